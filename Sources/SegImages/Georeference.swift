import CTIFFShim
import SegEngine

/// The position of an image on a map, as GeoTIFF states it (OGC 19-008): the elements of its tags as they are stored, with the transform
/// and the coordinate reference system that follow from them.
public struct Georeference: Sendable, Equatable {
  /// ModelPixelScale (33550): the extent of a pixel along x, y and z, in units of the map. Empty if the tag is absent, as all properties
  /// that follow.
  public var pixelScale: [Double] = []
  /// ModelTiepoint (33922): six numbers for each point, its column, row and 0, then its x, y and z on the map.
  public var tiepoints: [Double] = []
  /// ModelTransformation (34264): a 4 × 4 matrix, row by row, from (column, row, 0, 1) to (x, y, z, 1).
  public var transformation: [Double] = []
  /// GeoKeyDirectory (34735): a header of four numbers, then four numbers for each key.
  public var keyDirectory: [UInt16] = []
  /// GeoDoubleParams (34736): the values of keys that are numbers.
  public var doubleParameters: [Double] = []
  /// GeoAsciiParams (34737): the values of keys that are text, with the zero at the end.
  public var asciiParameters: [UInt8] = []
  /// The tag of GDAL for missing data (42113), without the zero at the end: the sample that stands for none, as text. It concerns the
  /// samples of this image, so ``TIFFWriter`` does not write it into files of labels or probabilities.
  public var noData: String?

  /// Creates a georeference without any tag.
  public init() {}

  /// The transform from pixels to the map; `nil` if the tags state none, as those of images with several control points.
  ///
  /// (0, 0) is the corner of the first pixel whether the file counts positions from corners (`PixelIsArea`) or from centres
  /// (`PixelIsPoint`). As in GDAL, rows run southwards whatever the sign of the scale.
  public var transform: PixelTransform? {
    var transform: PixelTransform
    if pixelScale.count >= 2, pixelScale[0] != 0, pixelScale[1] != 0, tiepoints.count >= 6 {
      let (width, height) = (pixelScale[0], -abs(pixelScale[1]))
      transform = PixelTransform(
        originX: tiepoints[3] - tiepoints[0] * width, xPerColumn: width, xPerRow: 0,
        originY: tiepoints[4] - tiepoints[1] * height, yPerColumn: 0, yPerRow: height)
    } else if transformation.count == 16 {
      transform = PixelTransform(
        originX: transformation[3], xPerColumn: transformation[0], xPerRow: transformation[1],
        originY: transformation[7], yPerColumn: transformation[4], yPerRow: transformation[5])
    } else {
      return nil
    }
    if countsFromCenters {
      transform.originX -= 0.5 * (transform.xPerColumn + transform.xPerRow)
      transform.originY -= 0.5 * (transform.yPerColumn + transform.yPerRow)
    }
    return transform
  }

  /// The EPSG code of the map's coordinate reference system, projected or geographic; `nil` if the keys state none, as for systems that are
  /// defined by their parameters.
  public var epsgCode: Int? {
    // A projected system is defined on a geographic one, whose code may stand beside it.
    let projected = key(3072)
    let code = key(1024) == 1 || projected != nil ? projected : key(2048)
    // Codes outside this range are private; 0 is undefined and 32767 is user-defined.
    return code.flatMap { (1024...32766).contains($0) ? Int($0) : nil }
  }

  /// Whether positions are those of pixels' centres (GTRasterTypeGeoKey is RasterPixelIsPoint).
  private var countsFromCenters: Bool { key(1025) == 2 }

  /// Returns the value of a key that is a short integer; `nil` if the directory has no such key.
  private func key(_ identifier: UInt16) -> UInt16? {
    for start in stride(from: 4, to: keyDirectory.count - 3, by: 4)
    where keyDirectory[start] == identifier && keyDirectory[start + 1] == 0 && keyDirectory[start + 2] == 1 {
      return keyDirectory[start + 3]
    }
    return nil
  }
}

extension Georeference {
  /// Reads the tags of an open TIFF page; `nil` if it has none of them.
  init?(tagsOf tiff: OpaquePointer) {
    func elements<Element>(_ tag: Int, _ type: Int, as: Element.Type) -> [Element] {
      var count: UInt32 = 0
      var values: UnsafeRawPointer?
      guard segio_tiff_tag(tiff, UInt32(tag), UInt16(type), &count, &values), let values else { return [] }
      return Array(UnsafeBufferPointer(start: values.assumingMemoryBound(to: Element.self), count: Int(count)))
    }
    self.init()
    pixelScale = elements(SEGIO_TIFF_PIXEL_SCALE, SEGIO_TIFF_DOUBLE, as: Double.self)
    tiepoints = elements(SEGIO_TIFF_TIEPOINTS, SEGIO_TIFF_DOUBLE, as: Double.self)
    transformation = elements(SEGIO_TIFF_TRANSFORMATION, SEGIO_TIFF_DOUBLE, as: Double.self)
    keyDirectory = elements(SEGIO_TIFF_KEY_DIRECTORY, SEGIO_TIFF_SHORT, as: UInt16.self)
    doubleParameters = elements(SEGIO_TIFF_DOUBLE_PARAMETERS, SEGIO_TIFF_DOUBLE, as: Double.self)
    asciiParameters = elements(SEGIO_TIFF_ASCII_PARAMETERS, SEGIO_TIFF_ASCII, as: UInt8.self)
    let text = elements(SEGIO_TIFF_NO_DATA, SEGIO_TIFF_ASCII, as: UInt8.self)
    noData = text.isEmpty ? nil : String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    if self == Georeference() { return nil }
  }

  /// Calls `body` with each tag but that for missing data, its number of elements and their bytes.
  func forEachTag<Failure: Error>(
    _ body: (_ tag: Int, _ count: Int, _ bytes: [UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    func bytes<Element>(_ elements: [Element]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
    for (tag, elements) in [
      (SEGIO_TIFF_PIXEL_SCALE, pixelScale), (SEGIO_TIFF_TIEPOINTS, tiepoints),
      (SEGIO_TIFF_TRANSFORMATION, transformation), (SEGIO_TIFF_DOUBLE_PARAMETERS, doubleParameters),
    ] where !elements.isEmpty {
      try body(Int(tag), elements.count, bytes(elements))
    }
    if !keyDirectory.isEmpty { try body(Int(SEGIO_TIFF_KEY_DIRECTORY), keyDirectory.count, bytes(keyDirectory)) }
    if !asciiParameters.isEmpty {
      try body(Int(SEGIO_TIFF_ASCII_PARAMETERS), asciiParameters.count, asciiParameters)
    }
  }
}
