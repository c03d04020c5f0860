extension Image {
  /// The part of the image with the given rows and columns.
  ///
  /// - Precondition: Both ranges lie in the image and are not empty.
  public func cropped(rows: Range<Int>, columns: Range<Int>) -> Image {
    precondition(
      !rows.isEmpty && !columns.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= height && columns.lowerBound >= 0
        && columns.upperBound <= width, "rows \(rows) and columns \(columns) must lie in \(height)×\(width) pixels")
    if rows.count == height, columns.count == width { return self }
    func part<Sample>(_ samples: [Sample]) -> [Sample] {
      var part: [Sample] = []
      part.reserveCapacity(rows.count * columns.count * layout.count)
      for row in rows {
        part +=
          samples[
            (row * width + columns.lowerBound) * layout.count..<(row * width + columns.upperBound) * layout.count]
      }
      return part
    }
    let samples: Samples =
      switch samples {
      case .uint8(let samples): .uint8(part(samples))
      case .uint16(let samples): .uint16(part(samples))
      case .float32(let samples): .float32(part(samples))
      }
    return Image(width: columns.count, height: rows.count, layout: layout, samples: samples, white: white)
  }
}
