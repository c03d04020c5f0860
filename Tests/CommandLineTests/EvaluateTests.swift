import Foundation
import SegIO
import SegModels
import SegEngine
import Testing

/// `seg evaluate`, against counts of pixels by hand and against PyTorch's figures for the same frames.
@Suite struct EvaluateTests {
  private struct Report: Decodable {
    struct Entry: Decodable {
      let name: String
      let iou: Double?
    }
    struct ClassEntry: Decodable {
      let label: Int
      let iou: Double?
    }
    let model, resolution: String
    let imageCount: Int
    let meanIou, meanImageIou, pixelAccuracy: Double?
    let classes: [ClassEntry]
    let images: [Entry]
  }

  /// What `Tests/Fixtures/models/pupil.json` says of a frame.
  private struct Expected: Decodable {
    struct Score: Decodable {
      let intersection, prediction, truth: Int
      let iou: Double
    }
    let width, height: Int
    let network, image: Score
  }

  private let options = ["--model", "pupil-unet", "--weights", Repository.weights]
  private let example = [
    "--images", Repository.path("Examples/pupil/images"), "--masks", Repository.path("Examples/pupil/masks"),
  ]

  @Test(arguments: ["image", "network"]) func figuresAreThoseOfPyTorch(_ resolution: String) throws {
    let expected = try JSONDecoder().decode(
      [String: Expected].self, from: Data(bytes(Repository.path("Tests/Fixtures/models/pupil.json"))))
    let result = try seg(["evaluate"] + example + options + ["--resolution", resolution, "--json"])
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.model == "pupil-unet" && report.resolution == resolution && report.imageCount == 3)
    #expect(report.images.map(\.name) == Repository.frames)
    let scores = try report.images.map { entry in
      let frame = try #require(expected[entry.name])
      return resolution == "image" ? frame.image : frame.network
    }
    for (entry, score) in zip(report.images, scores) {
      #expect(abs(try #require(entry.iou) - score.iou) < 1e-9)
    }
    #expect(abs(try #require(report.meanImageIou) - scores.map(\.iou).reduce(0, +) / 3) < 1e-9)
    // Over all pixels of all images: foreground and background from counts of the three sets.
    let total = resolution == "image" ? expected.values.reduce(0) { $0 + $1.width * $1.height } : 3 * 148 * 148
    let intersection = scores.reduce(0) { $0 + $1.intersection }
    let union = scores.reduce(0) { $0 + $1.prediction + $1.truth } - intersection
    let foreground = Double(intersection) / Double(union)
    let background = Double(total - union) / Double(total - intersection)
    #expect(report.classes.map(\.label) == [0, 1])
    #expect(abs(try #require(report.classes[0].iou) - background) < 1e-9)
    #expect(abs(try #require(report.classes[1].iou) - foreground) < 1e-9)
    #expect(abs(try #require(report.meanIou) - (foreground + background) / 2) < 1e-9)
    let right = Double(total - union + intersection) / Double(total)
    #expect(abs(try #require(report.pixelAccuracy) - right) < 1e-9)
  }

  @Test func figuresAreThoseOfTheMasksThatSegmentWrites() throws {
    let folder = try Folder()
    expectSuccess(
      try seg(
        ["segment"] + (0..<3).map(Repository.image) + options + ["-o", folder.path, "--threshold", "0.5"]))
    let report: Report = try seg(["evaluate"] + example + options + ["--threshold", "0.5", "--json"]).json()
    for frame in 0..<3 {
      let prediction = try LabelMap(contentsOf: folder.path("\(Repository.frames[frame]).png")).labels
      let truth = try LabelMap(contentsOf: Repository.mask(frame)).labels
      let both = zip(prediction, truth).count { $0 == 1 && $1 != 0 }
      let either = zip(prediction, truth).count { $0 == 1 || $1 != 0 }
      #expect(abs(try #require(report.images[frame].iou) - Double(both) / Double(either)) < 1e-9)
    }
  }

  @Test func textHasTheSameFigures() throws {
    let report: Report = try seg(["evaluate"] + example + options + ["--json"]).json()
    let result = try seg(["evaluate"] + example + options)
    expectSuccess(result)
    func percent(_ value: Double?) throws -> String { String(format: "%.2f %%", try #require(value) * 100) }
    for entry in report.images {
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix(entry.name) })
      #expect(line.hasSuffix(try percent(entry.iou)))
    }
    #expect(result.output.contains("foreground, mean over 3 images: \(try percent(report.meanImageIou))\n"))
    #expect(result.output.contains("pixel accuracy: \(try percent(report.pixelAccuracy))\n"))
    #expect(result.output.split(separator: "\n").contains { $0.hasPrefix("mean ") && $0.contains(" %") })
  }

  @Test func probabilitiesAreThoseOfPyTorch() throws {
    let folder = try Folder()
    let file = folder.path("probabilities.npz")
    expectSuccess(try seg(["evaluate"] + example + options + ["--probabilities", file]))
    let arrays = try NPZ(contentsOf: file).arrays
    #expect(arrays.keys.sorted() == Repository.frames)
    let wanted = try Safetensors(contentsOf: Repository.path("Tests/Fixtures/models/pupil.safetensors")).tensors
    for frame in Repository.frames {
      let array = try #require(arrays[frame])
      #expect(array.shape == [148, 148, 2])
      let reference = try #require(wanted["\(frame)/probability"]).elements(of: Float.self)
      let (values, pixels) = (array.elements(of: Float.self), reference.indices)
      #expect(pixels.allSatisfy { abs(values[2 * $0 + 1] - reference[$0]) < 1e-4 })
      #expect(pixels.allSatisfy { abs(values[2 * $0] + values[2 * $0 + 1] - 1) < 1e-6 })
    }
  }

  /// Sessions with `images` and `masks` each, below one directory, and below one each.
  @Test func imagesAndMasksFindEachOther() throws {
    let folder = try Folder()
    for (session, frame) in [("a", 0), ("b/c", 1)] {
      // The same name in both, and a name that is that of a directory.
      for name in ["frame", "images"] {
        try folder.add("one/\(session)/images/\(name).png", copyOf: Repository.image(frame))
        try folder.add("one/\(session)/masks/\(name).png", copyOf: Repository.mask(frame))
        try folder.add("left/\(session)/\(name).png", copyOf: Repository.image(frame))
        try folder.add("right/\(session)/\(name).png", copyOf: Repository.mask(frame))
      }
    }
    try folder.add("one/a/images/notes.txt", [65])
    try folder.add("one/a/images/.hidden.png", [65])
    let names = ["a/frame", "a/images", "b/c/frame", "b/c/images"]
    let one: Report = try seg(
      ["evaluate", "--images", folder.path("one"), "--masks", folder.path("one") + "/"] + options + ["--json"]
    ).json()
    let two: Report = try seg(
      ["evaluate", "--images", folder.path("left"), "--masks", folder.path("right")] + options + ["--json"]
    ).json()
    #expect(one.images.map(\.name) == names)
    #expect(two.images.map(\.name) == names)
    #expect(one.images.map(\.iou) == two.images.map(\.iou))
    #expect(one.images[0].iou == one.images[1].iou && one.images[0].iou != one.images[2].iou)
  }

  /// Directories may be symbolic links, at the top and below; one that leads back up is no endless way.
  @Test func linkedDirectoriesAreFollowed() throws {
    let folder = try Folder()
    try folder.add("data/images/x.png", copyOf: Repository.image(2))
    try folder.add("data/masks/x.png", copyOf: Repository.mask(2))
    try folder.add("plain/x.png", copyOf: Repository.image(2))
    let files = FileManager.default
    try folder.addFolder("sets")
    for (link, target) in [("sets/first", "data"), ("top", "sets"), ("data/images/back", "data"), ("i", "plain")] {
      try files.createSymbolicLink(atPath: folder.path(link), withDestinationPath: folder.path(target))
    }
    for (images, masks, name) in [("top", "top", "first/x"), ("i", "data/masks", "x"), ("top", "sets", "first/x")] {
      let result = try seg(
        ["evaluate", "--images", folder.path(images), "--masks", folder.path(masks)] + options + ["--json"])
      expectSuccess(result)
      let report: Report = try result.json()
      #expect(report.images.map(\.name) == [name])
    }
  }

  /// Without foreground in mask and prediction there is no foreground score: the key is there, and null.
  @Test func noForegroundIsNoScore() throws {
    let folder = try Folder()
    try Image(width: 40, height: 30, layout: .grey, samples: .uint8(Array(repeating: 255, count: 1200)))
      .writePNG(to: try folder.addFolder("i") + "/white.png")
    try LabelMap(width: 40, height: 30).writePNG(to: try folder.addFolder("m") + "/white.png")
    let result = try seg(
      ["evaluate", "--images", folder.path("i"), "--masks", folder.path("m")] + options
        + ["--threshold", "0.999", "--json"])
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.images[0].iou == nil && report.meanImageIou == nil && report.classes[1].iou == nil)
    #expect(report.classes[0].iou == 1 && report.meanIou == 1 && report.pixelAccuracy == 1)
    #expect(result.output.contains("\"mean_image_iou\" : null"))
    let text = try seg(
      ["evaluate", "--images", folder.path("i"), "--masks", folder.path("m")] + options + ["--threshold", "0.999"])
    #expect(text.output.contains("mean over 1 images: –"))
  }

  /// A network of many classes: masks hold labels, 255 is left out, and what is no class is refused.
  @Test func labelsOfManyClasses() throws {
    let folder = try Folder()
    let weights = folder.path("unet.safetensors")
    let description = try #require(ModelRegistry.find("unet"))
    try Parameters(initializing: description.makeGraph(64), seed: 3).write(to: weights)
    try folder.add("images/x.png", copyOf: Repository.image(0))
    let command = [
      "evaluate", "--images", folder.path("images"), "--masks", folder.path("masks"), "--model", "unet", "--weights",
      weights, "--json",
    ]
    try folder.addFolder("masks")
    var mask = LabelMap(width: 228, height: 184, repeating: 255)
    for column in 0..<100 { mask[3, column] = 7 }
    try mask.writePNG(to: folder.path("masks/x.png"))
    let report: Report = try seg(command).json()
    // 100 pixels count; those that are right are the share that is called 7.
    let accuracy = try #require(report.pixelAccuracy)
    #expect(abs(accuracy * 100 - (accuracy * 100).rounded()) < 1e-9)
    #expect(report.classes.count == 21)
    #expect(abs(try #require(report.classes[7].iou) - accuracy) < 1e-12)
    mask[9, 9] = 21
    try mask.writePNG(to: folder.path("masks/x.png"))
    expectFailure(try seg(command), 65, ["masks/x.png", "label 21", "0 to 20"])
    expectFailure(try seg(command + ["--threshold", "0.5"]), 64, ["unet", "--threshold"])
  }
}
