import Synchronization

/// Weights in the layout in which operators multiply them, shared by all compilations of one network, so that a second image
/// size costs no second copy.
final class PackedWeights: Sendable {
  private let tensors = Mutex<[String: Tensor]>([:])

  func tensor(for key: String, _ pack: () -> Tensor) -> Tensor {
    if let tensor = tensors.withLock({ $0[key] }) { return tensor }
    let tensor = pack()
    return tensors.withLock { tensors in
      if let first = tensors[key] { return first }
      tensors[key] = tensor
      return tensor
    }
  }

  /// Bytes over all packed weights.
  var byteCount: Int { tensors.withLock { $0.values.reduce(0) { $0 + $1.byteCount } } }
}
