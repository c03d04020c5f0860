import Foundation
import SegEngine

/// Refuses work that needs more memory than the machine has, or than this process may map, which would end it without a word.
func requireMemory(_ byteCount: Int, for work: @autoclosure () -> String, _ kind: Failure.Kind = .badInput) throws {
  let available = min(ProcessInfo.processInfo.physicalMemory, UInt64(clamping: AddressSpace.remainingByteCount ?? .max))
  guard UInt64(clamping: byteCount) > available else { return }
  func gigabytes(_ count: UInt64) -> String { (Double(count) / 1e9).fixed(1) + " GB" }
  throw Failure(
    kind,
    "\(work()): needs \(gigabytes(UInt64(clamping: byteCount))) of memory, there are \(gigabytes(available))")
}

extension CompiledModel {
  /// Size in bytes of what one run needs besides the weights.
  var runByteCount: Int { (inputs + outputs).reduce(arenaByteCount) { $0 + $1.spec.byteCount } }
}
