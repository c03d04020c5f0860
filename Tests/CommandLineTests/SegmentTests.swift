import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// `seg segment`.
@Suite struct SegmentTests {
  private struct Report: Decodable {
    struct Entry: Decodable {
      let image, mask: String
      let overlay: String?
      let width, height: Int
      let milliseconds: Double
      let pixels: [String: Int]
    }
    struct Problem: Decodable {
      let image, error: String
    }
    let images: [Entry]
    let failures: [Problem]
  }

  private func predictor(_ threshold: Float = 0.7) throws -> Predictor {
    let description = try #require(ModelRegistry.find("pupil-unet"))
    return Predictor(
      try Model(description.makeGraph(148), parameters: Parameters(contentsOf: Repository.weights)),
      preprocessing: description.preprocessing, postprocessing: .threshold(threshold))
  }

  private let options = ["--model", "pupil-unet", "--weights", Repository.weights]

  @Test func masksAreThoseOfTheLibrary() throws {
    let folder = try Folder()
    // The directory is made, with the one above it.
    let output = folder.path("new/masks")
    let result = try seg(["segment"] + (0..<3).map(Repository.image) + options + ["--output", output])
    expectSuccess(result)
    #expect(result.output == "")
    let names = Repository.frames.map { "\($0).png" }
    #expect(try FileManager.default.contentsOfDirectory(atPath: output).sorted() == names)
    let predictor = try predictor()
    for frame in 0..<3 {
      let labels = try LabelMap(contentsOf: "\(output)/\(names[frame])")
      #expect(labels == (try predictor(try Image(contentsOf: Repository.image(frame))).labels))
      #expect(Set(labels.labels) == [0, 1])
      // Viewers show background black and label 1 in the second colour of the default palette.
      let colors = try Image(contentsOf: "\(output)/\(names[frame])")
      guard colors.layout == .rgb, case .uint8(let samples) = colors.samples else {
        Issue.record("the mask has no palette")
        continue
      }
      #expect(
        samples == labels.labels.flatMap { $0 == 1 ? [0x44, 0x55, 0xff] as [UInt8] : [0, 0, 0] })
    }
  }

  @Test func theThresholdIsUsed() throws {
    let folder = try Folder()
    for threshold in ["0.01", "0.99"] {
      expectSuccess(
        try seg(["segment", Repository.image(0)] + options + ["-o", folder.path(threshold), "--threshold", threshold]))
      let labels = try LabelMap(contentsOf: folder.path("\(threshold)/\(Repository.frames[0]).png"))
      let wanted = try predictor(try #require(Float(threshold)))(try Image(contentsOf: Repository.image(0))).labels
      #expect(labels == wanted)
    }
    #expect(try folder.contents().values.compactMap { $0 }.count == 2)
  }

  @Test func overlaysShowTheImageBeneath() throws {
    let folder = try Folder()
    expectSuccess(
      try seg(["segment", Repository.image(2)] + options + ["-o", folder.path, "--overlay", "--no-legend"]))
    let name = Repository.frames[2]
    #expect(try folder.contents().keys.sorted() == ["\(name).png", "\(name)_overlay.png"])
    let labels = try LabelMap(contentsOf: folder.path("\(name).png"))
    guard case .uint8(let before) = try Image(contentsOf: Repository.image(2)).samples,
      case .uint8(let after) = try Image(contentsOf: folder.path("\(name)_overlay.png")).samples
    else { return #expect(Bool(false), "images of 8 bits") }
    #expect(before.count == after.count)
    let color: [UInt8] = [0x44, 0x55, 0xff]
    var (inner, border) = (0, 0)
    for row in 1..<labels.height - 1 {
      for column in 1..<labels.width - 1 {
        let pixel = (row * labels.width + column) * 3
        let (was, now) = (Array(before[pixel..<pixel + 3]), Array(after[pixel..<pixel + 3]))
        let neighbours = [
          labels[row - 1, column], labels[row + 1, column], labels[row, column - 1], labels[row, column + 1],
        ]
        if labels[row, column] == 0 {
          #expect(now == was)
        } else if neighbours.allSatisfy({ $0 == 1 }) {
          // Half of the colour, half of the image, to the nearest.
          let mixed = zip(was, color).map { pair -> UInt8 in UInt8((Int(pair.0) + Int(pair.1) + 1) / 2) }
          #expect(now == mixed)
          inner += 1
        } else {
          #expect(now == color)
          border += 1
        }
      }
    }
    #expect(inner > border && border > 20)
  }

  @Test func jsonSaysWhatWasDone() throws {
    let folder = try Folder()
    let result = try seg(
      ["segment", Repository.image(0), Repository.image(1)] + options + ["-o", folder.path, "--overlay", "--json"])
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.failures.isEmpty)
    #expect(report.images.map(\.image) == [Repository.image(0), Repository.image(1)])
    for entry in report.images {
      let labels = try LabelMap(contentsOf: entry.mask)
      #expect((entry.width, entry.height) == (labels.width, labels.height))
      let ones = labels.labels.count { $0 == 1 }
      #expect(entry.pixels == ["0": labels.labels.count - ones, "1": ones])
      #expect(entry.milliseconds > 0 && entry.milliseconds < 60000)
      #expect(FileManager.default.fileExists(atPath: try #require(entry.overlay)))
    }
  }

  @Test func theOtherImagesAreWorthHaving() throws {
    let folder = try Folder()
    let broken = try folder.add("broken.png", [1, 2, 3])
    let missing = folder.path("missing.png")
    let result = try seg(
      ["segment", broken, Repository.image(0), missing] + options + ["-o", folder.path("out"), "--json"])
    // The first failure decides: 65, not 66.
    #expect(result.exitCode == 65)
    #expect(result.errorLines?.count == 2)
    let report: Report = try result.json()
    #expect(report.images.map(\.image) == [Repository.image(0)])
    #expect(report.failures.map(\.image) == [broken, missing])
    #expect(report.failures.map { "seg: " + $0.error } == result.errorLines)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")) == ["\(Repository.frames[0]).png"])
  }

  @Test func severalInputFormatsGiveOneAnswer() throws {
    // The same pixels as 8-bit PNG, and as 16-bit PNG of 257 times the value, differ by rounding alone.
    let folder = try Folder()
    let image = try Image(contentsOf: Repository.image(2))
    guard case .uint8(let samples) = image.samples else { return #expect(Bool(false), "8 bits") }
    let deep = Image(
      width: image.width, height: image.height, layout: image.layout, samples: .uint16(samples.map { UInt16($0) * 257 })
    )
    try deep.writePNG(to: folder.path("deep.png"))
    try image.writePNG(to: folder.path("plain.png"))
    expectSuccess(
      try seg(["segment", folder.path("deep.png"), folder.path("plain.png")] + options + ["-o", folder.path("out")]))
    let a = try LabelMap(contentsOf: folder.path("out/deep.png"))
    let b = try LabelMap(contentsOf: folder.path("out/plain.png"))
    let different = zip(a.labels, b.labels).count { $0 != $1 }
    #expect(different < b.labels.count { $0 == 1 } / 50)
  }

  @Test func anExistingMaskIsReplaced() throws {
    let folder = try Folder()
    let target = try folder.add("out/\(Repository.frames[0]).png", [9, 9, 9])
    expectSuccess(try seg(["segment", Repository.image(0)] + options + ["-o", folder.path("out")]))
    #expect(try LabelMap(contentsOf: target).width == 228)
    #expect(try folder.contents().keys.sorted() == ["out", "out/\(Repository.frames[0]).png"])
  }

  @Test func threadsDoNotChangeTheResult() throws {
    let folder = try Folder()
    for threads in ["1", "2", "5"] {
      expectSuccess(
        try seg(["segment", Repository.image(1)] + options + ["-o", folder.path(threads), "--threads", threads]))
    }
    let name = "\(Repository.frames[1]).png"
    let masks = try ["1", "2", "5"].map { try bytes(folder.path("\($0)/\(name)")) }
    #expect(masks[0] == masks[1] && masks[1] == masks[2])
  }

  // MARK: Several views and conditional random fields

  @Test func refinedMasksAreThoseOfTheLibrary() throws {
    let field = DenseCRF(
      kernels: [
        .gaussian(weight: 2, positionDeviation: 3), .bilateral(weight: 5, positionDeviation: 40, colorDeviation: 10),
      ], iterations: 4)
    let crf = [
      "--crf", "--crf-position-weight", "2", "--crf-position-deviation", "3", "--crf-bilateral-weight", "5",
      "--crf-bilateral-deviation", "40", "--crf-color-deviation", "10", "--crf-iterations", "4",
    ]
    var window = field
    window.filtering = .window(radius: 2)
    let cases: [(arguments: [String], views: TestTimeAugmentation, crf: DenseCRF?)] = [
      (["--crf"], .none, .deepLab), (crf, .none, field), (crf + ["--crf-window", "2"], .none, window),
      (["--multi-scale"], .multiScale, nil),
      (["--scales", "1,1.25", "--combine", "maximum"], .init(scales: [1, 1.25], combination: .maximum), nil),
      (["--flip"] + crf, .init(flips: true), field),
    ]
    let predictor = try predictor()
    let image = try Image(contentsOf: Repository.image(0))
    let plain = try predictor(image).labels
    for (arguments, views, crf) in cases {
      let folder = try Folder()
      expectSuccess(try seg(["segment", Repository.image(0)] + options + ["--output", folder.path] + arguments))
      let labels = try LabelMap(contentsOf: folder.path("\(Repository.frames[0]).png"))
      #expect(labels == (try predictor.refined(image, views: views, crf: crf).labels), "\(arguments)")
      #expect(labels != plain, "\(arguments)")
    }
  }

  @Test(arguments: [
    (["--crf-iterations", "-1"], "--crf-iterations"), (["--crf-color-deviation", "0"], "--crf-color-deviation"),
    (["--crf-window", "1000"], "--crf-window"), (["--crf-window", "2", "--crf-exact"], "exclude"),
    (["--scales", "0"], "--scales"), (["--scales", "x"], "--scales"), (["--combine", "median"], "median"),
  ])
  func badRefinementsAreUsageErrors(_ arguments: [String], _ part: String) throws {
    let folder = try Folder()
    expectFailure(
      try seg(["segment", Repository.image(0), "--crf"] + options + ["--output", folder.path] + arguments), 64, [part])
  }
}
