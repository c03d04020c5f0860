import Foundation
import SegEngine

/// The bytes of memory that the machine has or this process may map, whichever are fewer.
var availableByteCount: Int {
  Int(
    clamping: min(
      ProcessInfo.processInfo.physicalMemory, UInt64(clamping: AddressSpace.remainingByteCount ?? .max)))
}

/// Throws an error if work needs more memory than the machine has or this process may map. Otherwise the system would end the program
/// without a message.
func requireMemory(_ byteCount: Int, for work: @autoclosure () -> String, _ kind: Failure.Kind = .badInput) throws {
  let available = UInt64(clamping: availableByteCount)
  guard UInt64(clamping: byteCount) > available else { return }
  func gigabytes(_ count: UInt64) -> String { (Double(count) / 1e9).fixed(1) + " GB" }
  throw Failure(
    kind,
    "\(work()): needs \(gigabytes(UInt64(clamping: byteCount))) of memory, there are \(gigabytes(available))")
}

extension CompiledModel {
  /// The bytes that one run needs, without the weights.
  var runByteCount: Int { (inputs + outputs).reduce(arenaByteCount) { $0 + $1.spec.byteCount } }
}
