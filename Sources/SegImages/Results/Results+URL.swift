#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegFiles

// Each function is equivalent to the function of the same name that takes a path.

extension GeoJSON {
  /// Writes polygons to a file, completely or not at all.
  ///
  /// - Throws: ``GeoJSONError`` if the file cannot be written or the transform gives no coordinates.
  public func write(_ polygons: RegionPolygons, to url: URL) throws(GeoJSONError) {
    try write(polygons, to: String(pathOf: url, orThrow: GeoJSONError.file))
  }
}

extension COCODocument {
  /// Writes the document as JSON, completely or not at all.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func write(to url: URL) throws(FileError) { try write(to: String(pathOf: url)) }
}

extension ClassAreaTable {
  /// Writes the table, completely or not at all.
  ///
  /// - Throws: `FileError` if the file cannot be written.
  public func write(to url: URL) throws(FileError) { try write(to: String(pathOf: url)) }
}
