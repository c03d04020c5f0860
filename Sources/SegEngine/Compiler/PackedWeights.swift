import Synchronization

/// Weights of one compilation in the layout in which operators multiply them.
final class PackedWeights: Sendable {
  private let tensors = Mutex<[String: Tensor]>([:])
  private let plannedByteCounts = Mutex<[String: Int]>([:])
  private let shared: SharedWeights?
  let isDryRun: Bool

  /// - Parameters:
  ///   - isDryRun: Whether weights are counted alone, for a compilation that is never run.
  ///   - shared: Those of other compilations of the same network.
  init(isDryRun: Bool = false, sharing shared: SharedWeights? = nil) {
    self.isDryRun = isDryRun
    self.shared = shared
  }

  /// What `pack` makes, `byteCount` bytes; an empty tensor where nothing is kept.
  func tensor(for key: String, byteCount: Int, _ pack: () -> Tensor) -> Tensor {
    if isDryRun {
      plannedByteCounts.withLock { $0[key] = byteCount }
      return Tensor(uninitialized: [0])
    }
    if let tensor = tensors.withLock({ $0[key] }) { return tensor }
    let tensor = shared?.tensor(for: key) ?? pack()
    let kept = shared?.sharing(tensor, as: key) ?? tensor
    return tensors.withLock { tensors in
      if let first = tensors[key] { return first }
      tensors[key] = kept
      return kept
    }
  }

  /// The weights.
  var all: [Tensor] { tensors.withLock { Array($0.values) } }

  /// Bytes over all packed weights.
  var byteCount: Int {
    isDryRun
      ? plannedByteCounts.withLock { $0.values.reduce(0, +) }
      : tensors.withLock { $0.values.reduce(0) { $0 + $1.byteCount } }
  }
}
