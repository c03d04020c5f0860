import Synchronization

/// Packed weights that all compilations of one network share, so that another image size needs no second copy. They are kept as long as one
/// of the compilations exists.
final class SharedWeights: Sendable {
  private struct Entry {
    let shape: Shape
    let elementType: ElementType
    weak var storage: TensorStorage?

    init(_ tensor: Tensor) { (shape, elementType, storage) = (tensor.shape, tensor.elementType, tensor.storage) }

    var tensor: Tensor? { storage.map { Tensor(shape, elementType, $0) } }
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// Returns the tensor of a key, or `nil`.
  func tensor(for key: String) -> Tensor? { entries.withLock { $0[key]?.tensor } }

  /// Stores and returns the tensor, or returns the one that another compilation has stored for the key.
  func sharing(_ tensor: Tensor, as key: String) -> Tensor {
    entries.withLock { entries in
      if let first = entries[key]?.tensor { return first }
      entries[key] = Entry(tensor)
      return tensor
    }
  }
}
