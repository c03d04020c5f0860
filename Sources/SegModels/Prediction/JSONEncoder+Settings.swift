import Foundation

extension JSONEncoder {
  /// An encoder of files that people read and edit: one key per line, in alphabetical order, with slashes not escaped.
  package static var settings: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
