import Foundation
import SegEngine
import Testing

@testable import SegImages

@Suite("TIFF files are read as they were written, rows as they come")
struct TIFFWriterTests {
  private static let sizes = [(1, 1), (300, 7), (17, 530), (257, 300), (1100, 19)]

  private func labels(_ width: Int, _ height: Int, highest: UInt16) -> LabelMap {
    var generator = SeededGenerator(seed: UInt64(width))
    return LabelMap(
      width: width, height: height,
      labels: (0..<width * height).map { _ in UInt16.random(in: 0...highest, using: &generator) })
  }

  /// Pieces of 1, 2, 3, … rows.
  private func pieces(_ height: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var next = 0
    while next < height {
      pieces.append(next..<min(next + pieces.count + 1, height))
      next += pieces.count
    }
    return pieces
  }

  @Test(
    "labels of 8 and 16 bits",
    arguments: [TIFFWriter.Arrangement.automatic, .strips, .tiles(16), .tiles(256)], [false, true])
  func labels(_ arrangement: TIFFWriter.Arrangement, isCompressed: Bool) throws {
    try withTemporaryFolder { folder in
      let path = folder + "/mask.tif"
      for (width, height) in Self.sizes {
        for (content, highest) in [(.labels8, 255), (.labels16, 65535)] as [(TIFFWriter.Content, UInt16)] {
          for isBig in [nil, true] as [Bool?] {
            let map = labels(width, height, highest: highest)
            let writer = try TIFFWriter(
              to: path, width: width, height: height, content: content,
              options: .init(arrangement: arrangement, isCompressed: isCompressed, isBigTIFF: isBig))
            for rows in pieces(height) {
              try writer.append(
                LabelMap(
                  width: width, height: rows.count,
                  labels: Array(map.labels[rows.lowerBound * width..<rows.upperBound * width])))
            }
            try writer.finish()
            #expect(try LabelMap(contentsOf: path) == map)
            #expect(try names(in: folder) == ["mask.tif"])
            let directory = try TIFFDirectory(Fixtures.bytes(path))
            #expect(directory.isBig == (isBig == true))
            #expect(directory.value(256) == width && directory.value(257) == height)
            #expect(directory.value(258) == (highest > 255 ? 16 : 8))
            #expect(directory.value(259) == (isCompressed ? 8 : 1))
            let tile: Int? =
              switch arrangement {
              case .automatic: width > 1024 ? 256 : nil
              case .strips: nil
              case .tiles(let extent): extent
              }
            #expect(directory.value(322) == tile && directory.value(323) == tile)
          }
        }
      }
    }
  }

  @Test("probabilities of 32 and 16 bits", arguments: [1, 2, 5], [TIFFWriter.Arrangement.strips, .tiles(16)])
  func probabilities(_ classes: Int, _ arrangement: TIFFWriter.Arrangement) throws {
    var generator = SeededGenerator(seed: 12)
    try withTemporaryFolder { folder in
      let path = folder + "/probabilities.tif"
      for (width, height) in [(1, 1), (90, 41), (33, 70)] {
        var values = (0..<width * height * classes).map { _ in Float.random(in: 0...1, using: &generator) }
        values[0] = 1
        for content in [TIFFWriter.Content.probabilities32(classes: classes), .probabilities16(classes: classes)] {
          for isCompressed in [true, false] {
            let writer = try TIFFWriter(
              to: path, width: width, height: height, content: content,
              options: .init(arrangement: arrangement, isCompressed: isCompressed))
            for rows in pieces(height) {
              let row = width * classes
              try writer.append(
                Tensor([rows.count, width, classes], Array(values[rows.lowerBound * row..<rows.upperBound * row])))
            }
            try writer.finish()
            let image = try Image(contentsOf: path)
            #expect((image.width, image.height) == (width, height))
            #expect(image.layout == (classes == 1 ? .grey : .bands(classes)))
            if case .probabilities32 = content {
              #expect(image.samples == .float32(values))
            } else {
              #expect(image.samples == .uint16(values.map { UInt16((Double($0) * 65535).rounded()) }))
            }
          }
        }
      }
    }
  }

  @Test("what is no probability is taken as the nearest one")
  func otherProbabilities() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/probabilities.tif"
      let writer = try TIFFWriter(to: path, width: 6, height: 1, content: .probabilities16(classes: 1))
      try writer.append(Tensor([1, 6, 1], [-0.5, 1.5, .nan, .infinity, -.infinity, 0.5]))
      try writer.finish()
      #expect(try Image(contentsOf: path).samples == .uint16([0, 65535, 0, 65535, 0, 32768]))
    }
  }

  @Test("a palette shows labels in its colours, and they stay labels")
  func palette() throws {
    let map = labels(40, 30, highest: 255)
    try withTemporaryFolder { folder in
      let path = folder + "/mask.tif"
      try map.writeTIFF(to: path, palette: .pascalVOC)
      #expect(try LabelMap(contentsOf: path) == map)
      let colors = map.labels.map { Palette.pascalVOC[$0] }
      #expect(try Image(contentsOf: path).samples == .uint8(colors.flatMap { [$0.red, $0.green, $0.blue] }))
      // Labels of 16 bits have no palette.
      let wide = labels(40, 30, highest: 300)
      try wide.writeTIFF(to: path, palette: .pascalVOC)
      #expect(try LabelMap(contentsOf: path) == wide)
      #expect(try Image(contentsOf: path).layout == .grey)
    }
  }

  @Test("files beyond 4 GiB are BigTIFF, whatever deflate may save")
  func longOffsets() {
    func isBig(_ width: Int, _ height: Int, _ content: TIFFWriter.Content) -> Bool {
      TIFFWriter.layout(width: width, height: height, content, .init()).hasLongOffsets
    }
    #expect(!isBig(30_000, 30_000, .labels8))
    #expect(!isBig(60_000, 60_000, .labels8))
    #expect(isBig(65_536, 65_536, .labels8))
    #expect(isBig(50_000, 50_000, .labels16))
    #expect(isBig(30_000, 30_000, .probabilities32(classes: 2)))
    #expect(TIFFWriter.Content.labels(classes: 256) == .labels8)
    #expect(TIFFWriter.Content.labels(classes: 257) == .labels16)
  }

  @Test("what is not finished leaves nothing, and the former file as it was")
  func unfinished() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/mask.tif"
      for former: [UInt8]? in [nil, [1, 2, 3]] {
        if let former { try write(former, to: path) }
        do {
          let writer = try TIFFWriter(to: path, width: 2000, height: 600, content: .labels8)
          try writer.append(LabelMap(width: 2000, height: 599, repeating: 1))
        }
        #expect(try names(in: folder) == (former == nil ? [] : ["mask.tif"]))
        if let former { #expect(try Fixtures.bytes(path) == former) }
      }
    }
  }

  @Test("labels that 8 bits do not hold, folders that are not there, maps without pixels")
  func errors() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/mask.tif"
      do {
        let writer = try TIFFWriter(to: path, width: 3, height: 1, content: .labels8)
        let error = try #require(throws: ImageError.self) {
          try writer.append(LabelMap(width: 3, height: 1, labels: [0, 255, 256]))
        }
        #expect(error == ImageError(path, .cannotEncode(reason: "label 256 exceeds 255, the largest of 8 bits")))
      }
      #expect(try names(in: folder) == [])
      let missing = try #require(throws: ImageError.self) {
        try TIFFWriter(to: folder + "/none/mask.tif", width: 3, height: 1, content: .labels8)
      }
      #expect(missing.description.hasSuffix("cannot be written: No such file or directory"))
      #expect(throws: ImageError.self) { try LabelMap(width: 0, height: 0).writeTIFF(to: path) }
      #expect(throws: ImageError.self) {
        try TIFFWriter(to: path, width: 1 << 40, height: 1, content: .labels8)
      }
      #expect(try names(in: folder) == [])
    }
  }
}
