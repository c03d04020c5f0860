import Foundation
import SegEngine

/// Refuses work that needs more memory than the machine has, which the operating system would end without a word.
func requireMemory(_ byteCount: Int, for work: @autoclosure () -> String, _ kind: Failure.Kind = .badInput) throws {
  let available = ProcessInfo.processInfo.physicalMemory
  guard UInt64(clamping: byteCount) > available else { return }
  func gigabytes(_ count: UInt64) -> String { (Double(count) / 1e9).fixed(1) + " GB" }
  throw Failure(
    kind,
    "\(work()): needs \(gigabytes(UInt64(clamping: byteCount))) of memory, this machine has \(gigabytes(available))")
}

extension CompiledModel {
  /// Size in bytes of what one run needs besides the weights.
  var runByteCount: Int { (inputs + outputs).reduce(arenaByteCount) { $0 + $1.spec.byteCount } }
}
