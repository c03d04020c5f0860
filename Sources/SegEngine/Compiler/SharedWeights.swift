import Synchronization

/// Packed weights that all compilations of one network share, so that a second image size costs no second copy. They are there as long as
/// one of the compilations is.
final class SharedWeights: Sendable {
  private struct Entry {
    let shape: Shape
    let elementType: ElementType
    weak var storage: TensorStorage?

    init(_ tensor: Tensor) { (shape, elementType, storage) = (tensor.shape, tensor.elementType, tensor.storage) }

    var tensor: Tensor? { storage.map { Tensor(shape, elementType, $0) } }
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// What is there under a key.
  func tensor(for key: String) -> Tensor? { entries.withLock { $0[key]?.tensor } }

  /// The tensor, or the one that another compilation has put under the key in the meantime.
  func sharing(_ tensor: Tensor, as key: String) -> Tensor {
    entries.withLock { entries in
      if let first = entries[key]?.tensor { return first }
      entries[key] = Entry(tensor)
      return tensor
    }
  }
}
