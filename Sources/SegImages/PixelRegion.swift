/// A rectangle of an image's pixels.
struct PixelRegion: Hashable {
  let rows, columns: Range<Int>

  var height: Int { rows.count }
  var width: Int { columns.count }
}

extension ImageOrientation {
  /// Returns the part of the file that shows a region of the picture. `height` and `width` are the file's.
  func source(of region: PixelRegion, height: Int, width: Int) -> PixelRegion {
    // Turning and mirroring take corners to corners.
    let one = source(row: region.rows.lowerBound, column: region.columns.lowerBound, height: height, width: width)
    let other = source(
      row: region.rows.upperBound - 1, column: region.columns.upperBound - 1, height: height, width: width)
    return PixelRegion(
      rows: min(one.row, other.row)..<max(one.row, other.row) + 1,
      columns: min(one.column, other.column)..<max(one.column, other.column) + 1)
  }
}
