extension LabelMap {
  /// Writes the labels into a buffer of the caller's, a byte per pixel, rows from the top.
  ///
  /// ``unlabelled`` is written as 255, the ignore label of most data sets.
  ///
  /// - Parameters:
  ///   - buffer: The buffer. Bytes between rows are left as they are.
  ///   - bytesPerRow: The distance from one row to the next, in bytes; `nil` if rows adjoin.
  /// - Precondition: `bytesPerRow` is at least ``width``, the buffer contains all rows, and all labels are below 256 or
  ///   ``unlabelled``.
  public func write(to buffer: inout MutableRawSpan, bytesPerRow: Int? = nil) {
    let stride = bytesPerRow ?? width
    precondition(stride >= width, "bytesPerRow must be at least \(width), not \(stride)")
    guard !labels.isEmpty else { return }
    let needed = (height - 1) * stride + width
    precondition(
      buffer.byteCount >= needed,
      "a buffer of \(buffer.byteCount) bytes is too small for \(height) rows of \(stride) bytes")
    buffer.withUnsafeMutableBytes { target in
      for row in 0..<height {
        for column in 0..<width {
          let label = labels[row * width + column]
          precondition(label < 256 || label == Self.unlabelled, "label \(label) does not fit into a byte")
          target[row * stride + column] = UInt8(truncatingIfNeeded: label)
        }
      }
    }
  }
}
