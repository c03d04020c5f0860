import SegEngine
import SegIO
import Testing

@Suite struct LabelColorsTests {
  private func colors(_ text: String) throws -> LabelColors {
    try withTemporaryFolder { folder in
      try write(Array(text.utf8), to: folder + "/colors.txt")
      return try LabelColors(contentsOf: folder + "/colors.txt")
    }
  }

  private func entry(_ label: UInt16, _ red: UInt8, _ green: UInt8, _ blue: UInt8, _ name: String? = nil)
    -> LabelColors.Entry
  {
    LabelColors.Entry(label: label, color: Palette.Color(red, green, blue), name: name)
  }

  @Test func linesAreClasses() throws {
    let plain = try colors("#102030\r\n200 100 50\n\n1,2,3\n")
    #expect(plain.entries == [entry(0, 16, 32, 48), entry(1, 200, 100, 50), entry(2, 1, 2, 3)])
    #expect(plain.names == nil)
    // As data sets of street scenes have them, with titles, and with the name behind.
    let titled = try colors("name,r,g,b\nAnimal,64,128,64\nTraffic light, 0, 64, 64\n")
    #expect(titled.entries == [entry(0, 64, 128, 64, "Animal"), entry(1, 0, 64, 64, "Traffic light")])
    #expect(titled.names == ["Animal", "Traffic light"])
    let behind = try colors("# of the camera\n64 128 64\tAnimal\n// and\n#804080 road side\n")
    #expect(behind.entries == [entry(0, 64, 128, 64, "Animal"), entry(1, 128, 64, 128, "road side")])
    // Labels of their own, also none and one twice.
    let labelled = try colors("7 128 64 128 road\n-1 0 0 0 void\n7 #010203\n")
    #expect(labelled.entries == [entry(7, 128, 64, 128, "road"), entry(65535, 0, 0, 0, "void"), entry(7, 1, 2, 3)])
    #expect(labelled.palette.colors.count == 8 && labelled.palette[7] == Palette.Color(128, 64, 128))
    #expect(labelled.palette[3] == Palette.distinct[3])
  }

  @Test(arguments: [
    ("1 2 3\nblue\n", "line 2"), ("256 0 0\n", "line 1"), ("#12345\n", "line 1"), ("1 2\n", "line 1"),
    ("", "0 colours"),
    ("70000 1 2 3\n", "line 1"), ("a 1 2 3 b\n", "line 1"),
  ]) func whatIsNoColour(text: String, part: String) {
    let error = #expect(throws: LabelColorsError.self) { try colors(text) }
    #expect(error?.description.contains(part) == true)
  }

  @Test func tablesOfDataSets() throws {
    let counts = ["voc": 21, "cityscapes": 19, "ade20k": 150, "potsdam": 6, "vaihingen": 6, "deepglobe": 6]
    #expect(LabelColors.byName.mapValues { $0.names?.count } == counts)
    #expect(LabelColors.voc.entries[15] == entry(15, 192, 128, 128, "person"))
    #expect(LabelColors.cityscapes.entries[18] == entry(18, 119, 11, 32, "bicycle"))
    #expect(LabelColors.ade20k.entries[149] == entry(149, 92, 0, 255, "flag"))
    #expect(LabelColors.cityscapes.entries.contains(entry(65535, 0, 0, 0)))
  }
}
