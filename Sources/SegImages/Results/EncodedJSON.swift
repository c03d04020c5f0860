#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Returns the JSON text of a value, UTF-8, with sorted keys.
///
/// - Precondition: The value holds no number that JSON lacks (NaN, infinity).
func encodedJSON(_ value: some Encodable) -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do {
    return Array(try encoder.encode(value))
  } catch {
    preconditionFailure("a value that JSON cannot hold: \(error)")
  }
}
