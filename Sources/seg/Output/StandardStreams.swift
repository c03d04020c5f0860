import Foundation
import SegIO

/// Prints a line to the standard output stream. Bytes of file names that are not UTF-8 are shown as `\xE9`.
///
/// Unlike `print`, it throws an error if the stream cannot be written, so that lost results are not reported as success. (If the reader
/// of a pipe has exited, SIGPIPE ends the program first, as usual.)
func printLine(_ line: String) throws {
  if let code = writeAll(line.showingUndecodableBytes() + "\n", to: STDOUT_FILENO) {
    throw Failure(.unwritableOutput, "standard output: cannot be written: \(String(cString: strerror(code)))")
  }
}

/// Writes bytes to the standard output stream.
func writeStandardOutput(_ bytes: [UInt8]) throws {
  if let code = writeAll(bytes, to: STDOUT_FILENO) {
    throw Failure(.unwritableOutput, "standard output: cannot be written: \(String(cString: strerror(code)))")
  }
}

/// Prints a value as JSON with sorted keys in snake case, on several lines or on one.
func printJSON(_ value: some Encodable, onOneLine: Bool = false) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if !onOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
  // A JSON string escapes a backslash as two.
  try printLine(
    String(decoding: try encoder.encode(value), as: UTF8.self).showingUndecodableBytes(backslash: #"\\"#))
}

/// A value that is encoded as `null` if it is missing, so that its key is always present.
struct Nullable<Value: Encodable>: Encodable {
  let value: Value?

  init(_ value: Value?) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
}

/// A number that is encoded as `null` if it is missing.
typealias OptionalNumber = Nullable<Double>

/// Prints a line to the standard error stream.
func printError(_ line: String) { printError(text: line + "\n") }

/// Prints text without a line break to the standard error stream.
func printError(text: String) { _ = writeAll(text.showingUndecodableBytes(), to: STDERR_FILENO) }

/// Writes the whole text. Returns the error number on failure, else `nil`.
private func writeAll(_ text: String, to descriptor: Int32) -> Int32? { writeAll(Array(text.utf8), to: descriptor) }

private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
  bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
}
