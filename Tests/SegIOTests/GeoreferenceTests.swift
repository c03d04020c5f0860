import Foundation
import SegEngine
import Testing

@testable import SegImages

/// Files that GDAL wrote, and what it reads of them; see `Fixtures/geotiff/make.py`.
@Suite("Georeferences are those that GDAL reads, and go into masks as they are")
struct GeoreferenceTests {
  private static let tags = [33550, 33922, 34264, 34735, 34736, 34737]

  @Test("tags, transform and code", arguments: Fixtures.georeferences.keys.sorted())
  func reading(_ name: String) throws {
    let expected = try #require(Fixtures.georeferences[name])
    let read = try ImageFile(contentsOf: Fixtures.geotiff(name)).georeference
    guard !expected.tags.isEmpty else {
      #expect(read == nil)
      return
    }
    let georeference = try #require(read)
    func elements(_ tag: Int) -> [Double] { expected.tags["\(tag)"] ?? [] }
    #expect(georeference.pixelScale == elements(33550))
    #expect(georeference.tiepoints == elements(33922))
    #expect(georeference.transformation == elements(34264))
    #expect(georeference.keyDirectory.map { Double($0) } == elements(34735))
    #expect(georeference.doubleParameters == elements(34736))
    #expect(georeference.asciiParameters.map { Double($0) } == elements(34737))
    #expect((georeference.noData.map { Array($0.utf8) + [0] } ?? []).map { Double($0) } == elements(42113))
    let transform = georeference.transform
    #expect(
      transform.map { [$0.originX, $0.xPerColumn, $0.xPerRow, $0.originY, $0.yPerColumn, $0.yPerRow] }
        == expected.transform)
    #expect(georeference.epsgCode == expected.epsg)
  }

  @Test("masks have the tags byte for byte", arguments: Fixtures.georeferences.keys.sorted())
  func writing(_ name: String) throws {
    let source = try TIFFDirectory(Fixtures.bytes(Fixtures.geotiff(name)))
    let file = try ImageFile(contentsOf: Fixtures.geotiff(name))
    let labels = LabelMap(width: file.width, height: file.height, repeating: 3)
    try withTemporaryFolder { folder in
      let path = folder + "/mask.tif"
      for isBig in [false, true] {
        for noData: UInt16? in [nil, 17] {
          for arrangement in [TIFFWriter.Arrangement.strips, .tiles(16)] {
            let writer = try TIFFWriter(
              to: path, width: file.width, height: file.height, content: .labels8,
              options: .init(
                arrangement: arrangement, georeference: file.georeference, noDataLabel: noData, isBigTIFF: isBig))
            try writer.append(labels)
            try writer.finish()
            let mask = try TIFFDirectory(Fixtures.bytes(path))
            #expect(mask.isBig == isBig)
            for tag in Self.tags { #expect(mask.entries[tag] == source.entries[tag], "tag \(tag)") }
            // The image's value for missing data is none of the labels'.
            #expect(mask.entries[42113]?.bytes == noData.map { _ in Array("17\0".utf8) })
            var wanted = file.georeference ?? Georeference()
            wanted.noData = noData.map { "\($0)" }
            #expect(try ImageFile(contentsOf: path).georeference ?? Georeference() == wanted)
          }
        }
      }
      try labels.writeTIFF(to: path, georeference: file.georeference)
      let mask = try TIFFDirectory(Fixtures.bytes(path))
      for tag in Self.tags { #expect(mask.entries[tag] == source.entries[tag]) }
      #expect(try LabelMap(contentsOf: path) == labels)
    }
  }

  /// The centre of a pixel by the definition of the tags: a tiepoint and a scale, or a matrix.
  @Test("corners and centres of pixels")
  func positions() throws {
    var georeference = Georeference()
    #expect(georeference.transform == nil && georeference.epsgCode == nil)
    georeference.pixelScale = [2, 4, 0]
    georeference.tiepoints = [10, 20, 0, 1000, 5000, 0]
    georeference.keyDirectory = [1, 1, 0, 1, 1025, 0, 1, 1]
    var transform = try #require(georeference.transform)
    #expect(transform.point(column: 10, row: 20) == (1000, 5000))
    #expect(transform.point(column: 11.5, row: 22) == (1003, 4992))
    // The point of RasterPixelIsPoint is the centre of pixel (10, 20).
    georeference.keyDirectory[7] = 2
    transform = try #require(georeference.transform)
    #expect(transform.point(column: 10.5, row: 20.5) == (1000, 5000))
    georeference.pixelScale[1] = -4
    #expect(georeference.transform == transform)
    georeference.pixelScale = []
    #expect(georeference.transform == nil)
    georeference.transformation = [2, 0.5, 0, 100, 0.25, -4, 0, 200, 0, 0, 0, 0, 0, 0, 0, 1]
    transform = try #require(georeference.transform)
    #expect(transform.point(column: 0.5, row: 0.5) == (100, 200))
    #expect(transform.point(column: 8.5, row: 2.5) == (117, 194))
  }

  @Test("which key is the code of the map's system")
  func codes() {
    func code(_ keys: [(UInt16, UInt16)]) -> Int? {
      var georeference = Georeference()
      georeference.keyDirectory = [1, 1, 0, UInt16(keys.count)] + keys.flatMap { [$0.0, 0, 1, $0.1] }
      return georeference.epsgCode
    }
    #expect(code([(1024, 1), (2048, 4258), (3072, 25832)]) == 25832)
    #expect(code([(1024, 2), (2048, 4326)]) == 4326)
    #expect(code([(2048, 4326)]) == 4326)
    // A projected system that is defined by parameters, on a geographic one with a code.
    #expect(code([(1024, 1), (2048, 4258), (3072, 32767)]) == nil)
    #expect(code([(1024, 1), (2048, 4258)]) == nil)
    #expect(code([(1024, 2), (2048, 32767)]) == nil)
    #expect(code([]) == nil)
    var cut = Georeference()
    cut.keyDirectory = [1, 1, 0, 5, 3072, 0, 1]
    #expect(cut.epsgCode == nil)
    cut.keyDirectory = [1]
    #expect(cut.epsgCode == nil)
  }

  @Test("a georeference of rows that an orientation turns is not used, and that is said")
  func orientation() throws {
    let bytes = try turned(Fixtures.bytes(Fixtures.geotiff("utm.tif")), orientation: 3)
    try withTemporaryFolder { folder in
      try write(bytes, to: folder + "/turned.tif")
      let file = try ImageFile(contentsOf: folder + "/turned.tif")
      #expect(file.georeference == nil)
      #expect(file.warnings.count == 1)
      #expect(file.warnings.first?.description.contains("georeference is not used") == true)
      let whole = try Image(contentsOf: folder + "/turned.tif")
      #expect(try file.image(rows: 2..<9, columns: 1..<30) == whole.cropped(rows: 2..<9, columns: 1..<30))
    }
  }
}
