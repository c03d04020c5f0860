import SegEngine

/// The text of a GeoJSON document.
struct GeoJSONText {
  private let form: GeoJSON
  private let polygons: RegionPolygons
  private let isMirrored: Bool
  private var bytes: [UInt8] = []
  /// The number of bytes from which on the text is handed out.
  private let limit = 1 << 20

  /// - Throws: ``GeoJSONError/transform(_:)``.
  init(_ form: GeoJSON, _ polygons: RegionPolygons) throws(GeoJSONError) {
    (self.form, self.polygons) = (form, polygons)
    let transform = form.transform
    let corners = [(0, 0), (polygons.width, 0), (0, polygons.height), (polygons.width, polygons.height)].map {
      transform.point(column: Double($0.0), row: Double($0.1))
    }
    guard transform.determinant.isFinite, transform.determinant != 0,
      corners.allSatisfy({ $0.x.isFinite && $0.y.isFinite })
    else { throw .transform(transform) }
    isMirrored = transform.determinant < 0
  }

  /// Hands out the document piece by piece.
  consuming func write<Failure: Error>(_ emit: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    append("{\"type\":\"FeatureCollection\",")
    if let name = form.crsName {
      append("\"crs\":{\"type\":\"name\",\"properties\":{\"name\":")
      bytes += encodedJSON(name)
      append("}},")
    }
    append("\"features\":[")
    switch form.feature {
    case .regions:
      for (index, region) in polygons.enumerated() {
        append(index == 0 ? "\n" : ",\n")
        beginFeature(label: region.label, pixels: region.pixelCount, type: "Polygon")
        try append(region, emit)
        append("}}")
      }
    case .classes:
      for (index, members) in regionsByLabel().enumerated() {
        append(index == 0 ? "\n" : ",\n")
        beginFeature(
          label: polygons.label(of: members[0]), pixels: members.reduce(0) { $0 + polygons.pixelCount(of: $1) },
          type: "MultiPolygon")
        for (position, region) in members.enumerated() {
          append(position == 0 ? "[" : ",")
          try append(polygons[region], emit)
        }
        append("]}}")
      }
    }
    append("\n]}\n")
    try emit(bytes)
  }

  /// The regions of each label that has any, labels ascending.
  private func regionsByLabel() -> [[Int]] {
    Dictionary(grouping: polygons.indices, by: polygons.label(of:)).sorted { $0.key < $1.key }.map(\.value)
  }

  private mutating func append(_ text: String) { bytes += text.utf8 }

  private mutating func beginFeature(label: UInt16, pixels: Int, type: String) {
    append("{\"type\":\"Feature\",\"properties\":{\"class\":\(label),\"name\":")
    bytes += encodedJSON(form.names.className(of: label))
    append(",\"pixels\":\(pixels)},\"geometry\":{\"type\":\"\(type)\",\"coordinates\":")
  }

  private mutating func append<Failure: Error>(
    _ region: RegionPolygons.Region, _ emit: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    append("[")
    append(ring: region.exterior)
    for hole in region.holes {
      append(",")
      append(ring: hole)
      try emitIfLong(emit)
    }
    append("]")
    try emitIfLong(emit)
  }

  private mutating func emitIfLong<Failure: Error>(_ emit: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
    guard bytes.count >= limit else { return }
    try emit(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  private mutating func append(ring: ArraySlice<PixelCorner>) {
    guard let first = ring.first else { return }
    append("[")
    append(first)
    if isMirrored {
      for corner in ring.dropFirst().reversed() {
        append(",")
        append(corner)
      }
    } else {
      for corner in ring.dropFirst() {
        append(",")
        append(corner)
      }
    }
    append(",")
    append(first)
    append("]")
  }

  private mutating func append(_ corner: PixelCorner) {
    let point = form.transform.point(column: Double(corner.column), row: Double(corner.row))
    append("[")
    append(point.x)
    append(",")
    append(point.y)
    append("]")
  }

  /// Appends the shortest text that gives the number back; whole numbers have no fraction.
  private mutating func append(_ number: Double) {
    if let integer = Int32(exactly: number) { append("\(integer)") } else { append(number.description) }
  }
}
