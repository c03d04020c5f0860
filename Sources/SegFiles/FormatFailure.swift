/// Why the contents of a file are not accepted, before it is known which file they are from.
package struct FormatFailure: Error {
  package let reason: String
  package var isUnsupported = false

  package init(_ reason: String) { self.reason = reason }

  /// The same failure of a part of the file.
  package func about(_ name: String) -> FormatFailure {
    var failure = FormatFailure("\(name): \(reason)")
    failure.isUnsupported = isUnsupported
    return failure
  }

  package static func unsupported(_ reason: String) -> FormatFailure {
    var failure = FormatFailure(reason)
    failure.isUnsupported = true
    return failure
  }
}
