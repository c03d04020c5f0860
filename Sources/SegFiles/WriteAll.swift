#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes all bytes to an open file, also where the system takes only a part of them at once. Returns the error number; `nil` if all are
/// written.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> CInt? {
  var rest = bytes
  while !rest.isEmpty {
    let count = write(descriptor, rest.baseAddress!, min(rest.count, 1 << 30))
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { return errno }
    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
  }
  return nil
}
