import Foundation
import SegEngine
import SegIO
import TestSupport
import Testing

/// Label images as programs store them (`Tests/Fixtures/labels/make_labels.py`).
@Suite struct StoredLabelsTests {
  private struct Expected: Decodable {
    let width, height: Int
    let labels: [UInt16]
  }

  private static let expected = Result {
    try JSONDecoder().decode(
      [String: Expected].self, from: Data(contentsOf: TestSupport.Fixtures.url("labels/expected.json")))
  }

  private func path(_ name: String) -> String { TestSupport.Fixtures.url("labels/\(name)").path }

  private func reason(_ name: String, _ reading: LabelMap.Reading = .storedValue) -> String {
    do {
      _ = try LabelMap(contentsOf: path(name), reading: reading)
      return "read"
    } catch {
      return "\(error)"
    }
  }

  @Test func storedValuesAreLabels() throws {
    let files = try Self.expected.get().filter { !$0.key.hasPrefix("voc_colors") }
    #expect(files.count > 20)
    for (name, expected) in files {
      let map = try LabelMap(contentsOf: path(name))
      #expect(map.width == expected.width && map.height == expected.height && map.labels == expected.labels, "\(name)")
      // What is not zero is foreground, what is negative is still no label. In files of a palette the index counts.
      let foreground = try LabelMap(contentsOf: path(name), reading: .nonZeroIsForeground)
      let isSigned = name.hasPrefix("int") || name.hasPrefix("float")
      #expect(
        foreground.labels
          == expected.labels.map { $0 == LabelMap.unlabelled && isSigned ? $0 : $0 == 0 ? 0 : 1 }, "\(name)")
    }
  }

  @Test func pagesThatAreNotReadAreWarnedOf() throws {
    for (name, kind) in [
      ("three_pages.tif", ImageWarning.Kind.furtherPages(page: 1, of: 3)), ("animation.gif", .furtherFrames),
    ] {
      let path = TestSupport.Fixtures.url("images-further/\(name)").path
      for reading in [LabelMap.Reading.storedValue, .nonZeroIsForeground] {
        let (labels, warnings) = try LabelMap.reading(contentsOf: path, as: reading)
        #expect(warnings.map(\.kind) == [kind], "\(name)")
        #expect(labels == (try LabelMap(contentsOf: path, reading: reading)), "\(name)")
      }
    }
    // Sixteen bits of which little is used are labels, not a dark picture.
    #expect(try LabelMap.reading(contentsOf: path("int32.tif")).warnings.isEmpty)
  }

  @Test func coloursAreLabelsByATable() throws {
    let files = try Self.expected.get()
    for name in ["voc_colors.png", "voc_colors16.tif"] {
      let expected = try #require(files[name])
      #expect(try LabelMap(contentsOf: path(name), reading: .colors(.voc)).labels == expected.labels)
      #expect(reason(name).contains("RGB"))
    }
    // Indices of a palette and grey values stay what they are.
    for name in ["voc_palette.png", "grey_alpha.png", "int32.tif", "grey.pgm"] {
      let expected = try #require(files[name])
      #expect(try LabelMap(contentsOf: path(name), reading: .colors(.voc)).labels == expected.labels, "\(name)")
    }
  }

  @Test func whatIsNoLabelIsNamed() {
    let colors = LabelMap.Reading.colors(.voc)
    #expect(reason("unknown_color.png", colors).contains("the colour 1 2 3 (column 6, row 4) is none"))
    // Grey labels are no colours of the table.
    #expect(reason("rgb_equal.png", colors).contains("the colour 14 14 14 (column 0, row 0) is none"))
    #expect(reason("ade20k_140.png", .colors(.ade20k)).contains("that of two labels, 6 and 48"))
    #expect(reason("shrunk_palette.png", colors).contains("its palette has the colour of label"))
    #expect(reason("shrunk_palette.png") == "read")
    #expect(
      reason("clear.png").contains("grey with alpha, so no single value is the label: column 2, row 1 is not opaque"))
    #expect(reason("uint32_large.tif").contains("its value 70000 (column "))
    #expect(reason("fraction.tif").contains("its value 2.5 (column 1, row 0)"))
    #expect(reason("nan.tif").contains("its value nan (column 1, row 0)"))
    #expect(reason("lossy.webp").contains("WebP compression changes labels"))
  }
}
