import SegEngine
import SegIO
import SegModels
import Testing

/// The options of everything that is drawn, and suggestions for misspelt names.
@Suite struct DrawingTests {
  private let folder: Folder
  private let image = Image(width: 60, height: 40, layout: .grey, samples: .uint8(Array(repeating: 90, count: 2400)))

  init() throws {
    folder = try Folder()
    try image.writePNG(to: folder.path("image.png"))
    let values = (0..<2400).flatMap { pixel -> [Float] in pixel % 60 < 20 ? [0, 1, 0] : [0, 0, 1] }
    try Tensor([40, 60, 3], values).writeNPY(to: folder.path("p.npy"))
  }

  /// The labels and the overlay that `seg crf` draws without changing any label.
  private func drawn(_ options: String...) throws -> (labels: Image, overlay: Image) {
    let result = try seg(
      ["crf", folder.path("image.png"), "--probabilities", folder.path("p.npy"), "--crf-iterations", "0", "--output"]
        + [folder.path("labels.png"), "--overlay", folder.path("overlay.png")] + options)
    expectSuccess(result)
    return (try Image(contentsOf: folder.path("labels.png")), try Image(contentsOf: folder.path("overlay.png")))
  }

  private func pixel(_ image: Image, _ row: Int, _ column: Int) -> [UInt8] {
    guard case .uint8(let samples) = image.samples else { return [] }
    return Array(samples[((row * image.width + column) * 3)...].prefix(3))
  }

  @Test func coloursOpacityAndLegendAreChosen() throws {
    let usual = try drawn()
    #expect(pixel(usual.labels, 20, 10) == [0x44, 0x55, 0xff] && pixel(usual.labels, 20, 40) == [0xff, 0xff, 0])
    // Half of the grey 90 and half of the colour, to the nearest.
    let mixed: [UInt8] = [79, 88, 173]
    #expect(pixel(usual.overlay, 20, 10) == mixed)
    #expect(usual.overlay.height > 40)
    let plain = try drawn("--no-legend", "--opacity", "1", "--palette", "voc")
    #expect(plain.overlay.width == 60 && plain.overlay.height == 40)
    #expect(pixel(plain.overlay, 20, 10) == [128, 0, 0] && pixel(plain.labels, 20, 40) == [0, 128, 0])
    #expect(try drawn("--palette", "distinct").labels == usual.labels)
    let colors = try folder.add("colors.txt", Array("#010203\n#040506 left\n7 8 9\n".utf8))
    let own = try drawn("--palette", colors, "--no-legend", "--opacity", "0")
    #expect(pixel(own.labels, 20, 10) == [4, 5, 6] && pixel(own.overlay, 20, 10) == [90, 90, 90])
    // Names make the legend wider.
    let names = try folder.add("names.txt", Array("background\nthe left third\nthe right two thirds\n".utf8))
    #expect(try drawn("--class-names", names).overlay.width > usual.overlay.width)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let command = [
      "crf", folder.path("image.png"), "--probabilities", folder.path("p.npy"), "-o", folder.path("o.png"),
    ]
    let names = try folder.add("names.txt", Array("a\nb\n".utf8))
    expectFailure(try seg(command + ["--class-names", names]), 65, ["p.npy has 3 classes", "2 names"])
    expectFailure(try seg(command + ["--opacity", "2"]), 64, ["--opacity is 0 to 1, not 2"])
    expectFailure(try seg(command + ["--palette", "citiscapes"]), 64, ["citiscapes: did you mean cityscapes?"])
    expectFailure(try seg(command + ["--palette", folder.path("none.txt")]), 66, ["none.txt"])
    expectFailure(try seg(command + ["--overlay", folder.path("no/o.png")]), 73, ["no/o.png"])
  }

  @Test func misspeltNamesHaveSuggestions() throws {
    let unknown = try seg("summary", "unte")
    expectFailure(unknown, 64, ["there is no network named unte: did you mean unet? (`seg models` lists all)"])
    #expect(unknown.errors.count < 120)
    let segment = ["segment", folder.path("image.png"), "-o", folder.path("out"), "--model"]
    expectFailure(try seg(segment + ["bisenet"]), 64, ["did you mean bisenetv1 or bisenetv2?"])
    expectFailure(try seg(segment + ["nothing-like-it"]), 64, ["named nothing-like-it (`seg models` lists all)"])
    expectFailure(try seg(segment + ["unet", "--output-kind", "logit"]), 64, ["did you mean logits?"])
    expectFailure(
      try seg("bench", "unet", "--algorithms", "mesured"), 64, ["did you mean measured?"])
    expectFailure(
      try seg("evaluate", "--masks", "m", "--predictions", "p", "--metrics", "iou,housdorff"), 64,
      ["--metrics", "there is no figure housdorff: did you mean hausdorff"])
    expectFailure(try seg("segmnt", "x"), 64, ["there is no command segmnt: did you mean segment?"])
    expectFailure(try seg(segment + ["unet", "--overlayy"]), 64, ["'--overlay'"])
    expectFailure(try seg("evaluate", "--masks", "m", "--predictions", "p", "--palete", "voc"), 64, ["'--palette'"])
  }
}
