import Foundation

extension JSONEncoder {
  /// An encoder of files that people read and edit: a line for each key, in alphabetical order, with plain slashes.
  package static var settings: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
