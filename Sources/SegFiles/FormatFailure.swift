/// The reason why the contents of a file are rejected, without the file's path.
package struct FormatFailure: Error {
  package let reason: String
  package var isUnsupported = false

  package init(_ reason: String) { self.reason = reason }

  /// Returns the same failure with the name of the part of the file that it concerns.
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
