import Synchronization

/// Weights in the layout in which operators multiply them, shared by all compilations of one network, so that a second image
/// size costs no second copy.
final class PackedWeights: Sendable {
  private let tensors = Mutex<[String: Tensor]>([:])
  private let plannedByteCounts = Mutex<[String: Int]>([:])
  let keepsNothing: Bool

  /// - Parameter keepsNothing: Whether weights are counted alone, for a compilation that is never run.
  init(keepsNothing: Bool = false) { self.keepsNothing = keepsNothing }

  /// What `pack` makes, `byteCount` bytes; an empty tensor where nothing is kept.
  func tensor(for key: String, byteCount: Int, _ pack: () -> Tensor) -> Tensor {
    if keepsNothing {
      plannedByteCounts.withLock { $0[key] = byteCount }
      return Tensor(uninitialized: [0])
    }
    if let tensor = tensors.withLock({ $0[key] }) { return tensor }
    let tensor = pack()
    return tensors.withLock { tensors in
      if let first = tensors[key] { return first }
      tensors[key] = tensor
      return tensor
    }
  }

  /// Bytes over all packed weights.
  var byteCount: Int {
    keepsNothing
      ? plannedByteCounts.withLock { $0.values.reduce(0, +) }
      : tensors.withLock { $0.values.reduce(0) { $0 + $1.byteCount } }
  }
}
