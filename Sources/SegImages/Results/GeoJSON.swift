import SegEngine
import SegFiles

/// The form in which polygons are written as GeoJSON (RFC 7946): a FeatureCollection.
///
/// Positions are [x, y] in the coordinates that ``transform`` gives: pixels by default, with x to the right and y down.
/// Exterior rings run counterclockwise and holes clockwise, in the plane in which x points to the right and y up; that
/// is, the area of an exterior ring by the shoelace formula is positive in the coordinates written. Rings are closed:
/// the last position is the first.
///
/// Each feature has the properties `class` (the label), `name`, and `pixels` (the number of pixels, which
/// simplification does not change).
public struct GeoJSON: Sendable, Hashable {
  /// What a feature is.
  public enum Feature: Sendable, Hashable, CaseIterable {
    /// All regions of a class: a MultiPolygon. Features are in ascending order of classes.
    case classes
    /// One region: a Polygon. Features are in the order of ``RegionPolygons``.
    case regions
  }

  /// What a feature is.
  public var feature: Feature
  /// The names of the classes, from class 0 on. A class n beyond them is called "class n".
  public var names: [String]
  /// The transform from pixels to the coordinates that are written.
  public var transform: PixelTransform
  /// The name of the coordinate system, for the member `crs` of the FeatureCollection; `nil` writes none. RFC 7946 has no
  /// such member, since its coordinates are longitude and latitude; GDAL and QGIS read it as the GeoJSON of 2008 defines
  /// it.
  public var crsName: String?

  /// States a form.
  public init(
    feature: Feature = .classes, names: [String] = [], transform: PixelTransform = .identity, crsName: String? = nil
  ) {
    self.feature = feature
    self.names = names
    self.transform = transform
    self.crsName = crsName
  }

  /// The name of the coordinate system with an EPSG code, such as `urn:ogc:def:crs:EPSG::32632`; `nil` for 4326, whose
  /// longitudes and latitudes GeoJSON has without a name.
  public static func crsName(epsg code: Int) -> String? { code == 4326 ? nil : "urn:ogc:def:crs:EPSG::\(code)" }

  /// Returns polygons as a document, UTF-8.
  ///
  /// - Throws: ``GeoJSONError/transform(_:)``.
  public func bytes(_ polygons: RegionPolygons) throws(GeoJSONError) -> [UInt8] {
    let writer = try GeoJSONText(self, polygons)
    var result: [UInt8] = []
    writer.write { result += $0 }
    return result
  }

  /// Writes polygons to a file, of which only a part is in memory at a time. A file at `path` is replaced atomically; on
  /// failure it stays as it was.
  ///
  /// - Throws: ``GeoJSONError`` if the file cannot be written or the transform gives no coordinates.
  public func write(_ polygons: RegionPolygons, to path: String) throws(GeoJSONError) {
    let writer = try GeoJSONText(self, polygons)
    do throws(FileError) {
      let file = try AtomicFile(replacing: path)
      try writer.write { (bytes) throws(FileError) in try file.append(bytes) }
      try file.commit()
    } catch {
      throw .file(error)
    }
  }
}
