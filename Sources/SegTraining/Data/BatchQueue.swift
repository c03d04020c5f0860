import Dispatch
import SegEngine
import Synchronization

/// Batches that other threads make ahead of the steps, at most some at once.
///
/// The order in which they are done does not matter: each is the batch of its own step.
final class BatchQueue {
  private let sampler: BatchSampler
  private let end: Int
  private var pending: [Int: PendingBatch] = [:]
  private static let depth = 3

  init(_ sampler: BatchSampler, from start: Int, to end: Int) {
    self.sampler = sampler
    self.end = end
    begin(from: start)
  }

  private func begin(from first: Int) {
    for step in first..<max(first, min(first + BatchQueue.depth + 1, end)) where pending[step] == nil {
      pending[step] = PendingBatch(of: step, sampler)
    }
  }

  /// Returns the batch of a step, counted from 0, and begins later ones. It waits for the batch.
  func next(_ step: Int) throws -> (images: Tensor, targets: Tensor) {
    begin(from: step)
    defer { pending[step] = nil }
    return try pending[step]!.wait()
  }
}

/// A batch that another thread makes.
private final class PendingBatch: Sendable {
  private let result = Mutex<Result<(images: Tensor, targets: Tensor), any Error>?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  init(of step: Int, _ sampler: BatchSampler) {
    DispatchQueue.global(qos: .utility).async { [self] in
      let own = Result { try sampler.batch(of: step) }
      result.withLock { $0 = own }
      isDone.signal()
    }
  }

  func wait() throws -> (images: Tensor, targets: Tensor) {
    isDone.wait()
    return try result.withLock { $0! }.get()
  }
}
