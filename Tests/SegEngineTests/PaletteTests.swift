import SegEngine
import TestSupport
import Testing

@Suite struct PaletteTests {
  /// Pairs of Sharma, Wu and Dalal (2005), table 1.
  @Test(arguments: [
    (LabColor(50, 2.6772, -79.7751), LabColor(50, 0, -82.7485), 2.0425),
    (LabColor(50, -1.3802, -84.2814), LabColor(50, 0, -82.7485), 1.0000),
    (LabColor(50, 0, 0), LabColor(50, -1, 2), 2.3669), (LabColor(50, 2.5, 0), LabColor(73, 25, -18), 27.1492),
    (LabColor(50, 2.5, 0), LabColor(50, 3.2592, 0.3350), 1.0000),
    (LabColor(60.2574, -34.0099, 36.2677), LabColor(60.4626, -34.1751, 39.4387), 1.2644),
    (LabColor(22.7233, 20.0904, -46.6940), LabColor(23.0331, 14.9730, -42.5619), 2.0373),
    (LabColor(2.0776, 0.0795, -1.1350), LabColor(0.9033, -0.0636, -0.5514), 0.9082),
  ]) func differencesAreThePublishedOnes(first: LabColor, second: LabColor, expected: Double) {
    #expect(abs(first.difference(from: second) - expected) < 0.0001)
    #expect(abs(second.difference(from: first) - expected) < 0.0001)
  }

  /// The bounds that the documentation of `Palette.distinct` states.
  @Test(arguments: [(8, 32.0, 14.9), (19, 17.0, 7.4), (255, 4.7, 2.0)])
  func coloursAreApart(count: Int, normal: Double, deficient: Double) {
    let colors = Palette.distinct.colors[1...count]
    for vision in ColorVision.allCases {
      let difference = vision.smallestDifference(among: colors)
      #expect(difference >= (vision == .normal ? normal : deficient), "\(vision): \(difference)")
    }
  }

  /// Black is the background, dark grey a dark frame, mid red an object on which a red would vanish.
  @Test(arguments: [
    (Palette.Color(0, 0, 0), 33.0), (Palette.Color(40, 40, 40), 25.0), (Palette.Color(160, 40, 40), 14.6),
  ])
  func theFirstColoursAreApartFromDarkAndRed(ground: Palette.Color, bound: Double) {
    for vision in ColorVision.allCases {
      let difference = vision.smallestDifference(of: Palette.distinct.colors[1...8], from: ground)
      #expect(difference >= bound, "\(vision): \(difference)")
    }
  }

  /// The palette of PASCAL VOC is below all of these bounds, so the tests above can fail.
  @Test func theColoursOfVOCAreNotApart() {
    let colors = Palette.pascalVOC.colors[1...8]
    for vision in ColorVision.allCases {
      #expect(vision.smallestDifference(among: colors) < 16)
      #expect(vision.smallestDifference(of: colors, from: Palette.Color(160, 40, 40)) < 14.6)
    }
  }

  @Test func everyLabelHasItsOwnColour() {
    #expect(Palette.distinct.colors.count == 256)
    #expect(Set(Palette.distinct.colors).count == 256)
    #expect(Palette.distinct[0] == Palette.Color(0, 0, 0))
    #expect(Palette.distinct[1] == Palette.Color(0x44, 0x55, 0xff))
    #expect(Palette.distinct[255 + 1] == Palette.distinct[1])
  }

  @Test func coloursAreText() {
    #expect(Palette.Color("#0a80Ff") == Palette.Color(10, 128, 255))
    #expect(Palette.Color(10, 128, 255).description == "#0a80ff")
    for color in Palette.distinct.colors { #expect(Palette.Color(color.description) == color) }
    for text in ["", "0a80ff", "#0a80f", "#0a80ff0", "#0a80fg", "#+a80ff", "#１１", "red"] {
      #expect(Palette.Color(text) == nil, "\(text)")
    }
  }

  /// The ratios of black on white, and of #777777 on white, which WCAG's documents give as just too low for text.
  @Test func contrastIsThatOfWCAG() {
    let white = Palette.Color(255, 255, 255)
    #expect(abs(Palette.Color(0, 0, 0).contrast(with: white) - 21) < 1e-9)
    #expect(abs(white.contrast(with: Palette.Color(0x77, 0x77, 0x77)) - 4.48) < 0.01)
    #expect(white.contrast(with: white) == 1)
  }
}
