import Synchronization

/// The packed weights of one compilation.
final class PackedWeights: Sendable {
  private let tensors = Mutex<[String: Tensor]>([:])
  private let plannedByteCounts = Mutex<[String: Int]>([:])
  private let shared: SharedWeights?
  let isDryRun: Bool

  /// - Parameters:
  ///   - isDryRun: Whether weights are only counted, for a compilation that is never run.
  ///   - shared: The packed weights of other compilations of the same network.
  init(isDryRun: Bool = false, sharing shared: SharedWeights? = nil) {
    self.isDryRun = isDryRun
    self.shared = shared
  }

  /// Returns the shared weights of a key, or else the `byteCount` bytes that `pack` makes; an empty tensor in a dry run.
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

  /// The packed weights.
  var all: [Tensor] { tensors.withLock { Array($0.values) } }

  /// The total bytes of packed weights.
  var byteCount: Int {
    isDryRun
      ? plannedByteCounts.withLock { $0.values.reduce(0, +) }
      : tensors.withLock { $0.values.reduce(0) { $0 + $1.byteCount } }
  }
}
