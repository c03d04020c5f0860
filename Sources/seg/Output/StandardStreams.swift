import Foundation
import SegIO

/// Prints a line to the standard output stream. Bytes of file names that are no UTF-8 are shown as `\xE9`.
///
/// Unlike `print`, it says so where the stream takes no more: results that are lost are no success. (Where the reader of a pipe
/// has gone, the signal of that name ends the program first, as it does with every other tool.)
func printLine(_ line: String) throws {
  if let code = writeAll(line.showingUndecodableBytes() + "\n", to: STDOUT_FILENO) {
    throw Failure(.unwritableOutput, "standard output: cannot be written: \(String(cString: strerror(code)))")
  }
}

/// Prints a value as JSON with sorted keys in snake case, over several lines or as one.
func printJSON(_ value: some Encodable, onOneLine: Bool = false) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if !onOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  // In JSON's strings a backslash is two.
  try printLine(
    String(decoding: try encoder.encode(value), as: UTF8.self).showingUndecodableBytes(backslash: #"\\"#))
}

/// A number that JSON shows as `null` where there is none, so that the key is always there.
struct OptionalNumber: Encodable {
  let value: Double?

  init(_ value: Double?) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
}

/// Prints a line to the standard error stream.
func printError(_ line: String) { printError(text: line + "\n") }

/// Prints text as it is to the standard error stream.
func printError(text: String) { _ = writeAll(text.showingUndecodableBytes(), to: STDERR_FILENO) }

/// Writes everything, or gives the error number of what kept it from being written.
private func writeAll(_ text: String, to descriptor: Int32) -> Int32? {
  Array(text.utf8).withUnsafeBytes { bytes -> Int32? in
    var written = 0
    while written < bytes.count {
      let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return errno }
      written += count
    }
    return nil
  }
}
