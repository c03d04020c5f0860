import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// What `seg segment` takes and where its results go.
@Suite struct SegmentInputsTests {
  private struct Report: Decodable {
    struct Entry: Decodable {
      let image: String
      let outputs: [String: String]
      let milliseconds, decodingMilliseconds, networkMilliseconds, encodingMilliseconds: Double
    }
    struct Problem: Decodable { let image: String }
    let images: [Entry]
    let failures: [Problem]
    let skipped: [String]
  }

  private let options = ["--model", "pupil-unet", "--weights", Repository.weights]
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// The files below a directory, by their paths there.
  private func files(_ directory: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory).filter {
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: "\(directory)/\($0)", isDirectory: &isDirectory)
        && !isDirectory.boolValue
    }.sorted()
  }

  @Test func foldersKeepTheirTree() throws {
    for name in ["in/a.png", "in/day one/b.png", "in/day one/deep/c.png", "in/.hidden/d.png"] {
      _ = try folder.add(name, copyOf: Repository.image(0))
    }
    _ = try folder.add("in/notes.txt", [1, 2, 3])
    // A link to a folder that contains it.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("in/day one/loop"), withDestinationPath: folder.path("in"))
    expectSuccess(try seg(["segment", folder.path("in")] + options + ["-o", folder.path("out")]))
    #expect(try files(folder.path("out")) == ["a.png", "day one/b.png", "day one/deep/c.png"])
    expectFailure(
      try seg(["segment", try folder.addFolder("empty")] + options + ["-o", folder.path("none")]), 66,
      ["empty", "no images"])
  }

  @Test func equalNamesAreKeptApart() throws {
    for name in ["x/pictures/a.png", "x/pictures/c.png", "y/pictures/a.png", "z/a.jpg", "z/a.png"] {
      _ = try folder.add(name, copyOf: Repository.image(0))
    }
    expectSuccess(
      try seg(["segment", "x/pictures", "y/pictures/"] + options + ["-o", "out"], in: folder.path))
    #expect(try files(folder.path("out")) == ["x/pictures/a.png", "x/pictures/c.png", "y/pictures/a.png"])
    expectSuccess(
      try seg(
        ["segment", "x/pictures/a.png", "z/a.png", "x/pictures/c.png"] + options + ["-o", "files"], in: folder.path))
    #expect(try files(folder.path("files")) == ["c.png", "pictures/a.png", "z/a.png"])
    expectSuccess(try seg(["segment", "z"] + options + ["-o", "endings"], in: folder.path))
    #expect(try files(folder.path("endings")) == ["a.jpg.png", "a.png.png"])
    // The same image twice is one image.
    expectSuccess(
      try seg(["segment", "z/a.png", "./z/a.png", "z/*.png"] + options + ["-o", "once"], in: folder.path))
    #expect(try files(folder.path("once")) == ["a.png"])
  }

  @Test func patternsAreExpanded() throws {
    for name in ["one.png", "two.png", "three.jpg"] { _ = try folder.add(name, copyOf: Repository.image(0)) }
    expectSuccess(try seg(["segment", "t*.[jp][pn]g"] + options + ["-o", "out"], in: folder.path))
    #expect(try files(folder.path("out")) == ["three.png", "two.png"])
    expectFailure(
      try seg(["segment", "none*.png"] + options + ["-o", "out"], in: folder.path), 66,
      ["none*.png", "no file matches"])
    // A file of that very name is no pattern.
    _ = try folder.add("t*.png", copyOf: Repository.image(0))
    expectSuccess(try seg(["segment", "t*.png"] + options + ["-o", "exact"], in: folder.path))
    #expect(try files(folder.path("exact")) == ["t*.png"])
  }

  @Test func pipesAndSingleFiles() throws {
    let wanted = folder.path("wanted.png")
    expectSuccess(try seg(["segment", Repository.image(1)] + options + ["-o", wanted]))
    let piped = folder.path("piped.png")
    let result = try Program.run(
      URL(filePath: "/bin/sh"),
      [
        "-c", #"cat "$1" | "$2" segment - --model pupil-unet --weights "$3" -o - > "$4""#, "sh", Repository.image(1),
        Repository.products.appending(path: "seg").path, Repository.weights, piped,
      ], environment: ["XDG_CACHE_HOME": folder.path])
    expectSuccess(result)
    #expect(try Data(contentsOf: URL(filePath: piped)) == Data(contentsOf: URL(filePath: wanted)))
    #expect(Set(try LabelMap(contentsOf: wanted).labels) == [0, 1])

    expectFailure(
      try seg(["segment", Repository.image(0), Repository.image(1)] + options + ["-o", "-"]), 64, ["standard output"])
    expectFailure(
      try seg(["segment", Repository.image(0)] + options + ["-o", "-", "--output-format", "labels,overlay"]), 64,
      ["standard output"])
    expectFailure(
      try seg(
        ["segment", Repository.image(0)] + options + ["-o", folder.path("a.png"), "--output-format", "probabilities"]),
      64, ["a.png", "labels"])
  }

  @Test func existingResultsAreSkipped() throws {
    for name in ["in/a.png", "in/b.png"] { _ = try folder.add(name, copyOf: Repository.image(0)) }
    let arguments = ["segment", folder.path("in")] + options + ["-o", folder.path("out"), "--overlay", "--json"]
    let first: Report = try seg(arguments).json()
    #expect(first.images.count == 2 && first.skipped.isEmpty)
    // Without one of its results an image is done again.
    try FileManager.default.removeItem(atPath: folder.path("out/b_overlay.png"))
    let second: Report = try seg(arguments + ["--skip-existing"]).json()
    #expect(second.images.map(\.image) == [folder.path("in/b.png")])
    #expect(second.skipped == [folder.path("in/a.png")])
    let third: Report = try seg(arguments + ["--skip-existing"]).json()
    #expect(third.images.isEmpty && third.skipped.count == 2)
  }

  /// As many at once as are asked for: the same files, in the report in the order of the images, and a failure between them.
  @Test func severalAtOnceGiveTheSame() throws {
    for index in 0..<7 { _ = try folder.add("in/\(index).png", copyOf: Repository.image(index % 3)) }
    _ = try folder.add("in/4.png", [1, 2, 3])
    func report(_ jobs: String) throws -> Report {
      let result = try seg(
        ["segment", folder.path("in")] + options + [
          "-o", folder.path(jobs), "--json", "--jobs", jobs, "--threads", jobs,
        ])
      #expect(result.exitCode == 65)
      return try result.json()
    }
    let (serial, parallel) = (try report("1"), try report("3"))
    #expect(serial.images.map(\.image) == parallel.images.map(\.image))
    #expect(serial.images.count == 6 && parallel.failures.map(\.image) == [folder.path("in/4.png")])
    for (a, b) in zip(serial.images, parallel.images) {
      #expect(
        try LabelMap(contentsOf: try #require(a.outputs["labels"]))
          == LabelMap(contentsOf: try #require(b.outputs["labels"])))
      let parts = b.decodingMilliseconds + b.networkMilliseconds + b.encodingMilliseconds
      #expect(abs(parts - b.milliseconds) < 1e-6 * b.milliseconds && b.networkMilliseconds > 0)
    }
  }

  /// A first run: no network named, the object cut out of its background.
  @Test func theSalientObjectIsCutOut() throws {
    let photo = Repository.path("Examples/photos/coffee.jpg")
    expectSuccess(try seg(["segment", photo, "-o", folder.path("out")]))
    #expect(try files(folder.path("out")) == ["coffee.png", "coffee_cutout.png"])
    let (image, cutout) = (try Image(contentsOf: photo), try Image(contentsOf: folder.path("out/coffee_cutout.png")))
    let labels = try LabelMap(contentsOf: folder.path("out/coffee.png"))
    #expect(cutout.layout == .rgba && cutout.width == image.width && cutout.height == image.height)
    guard case .uint8(let samples) = cutout.samples, case .uint8(let colors) = image.samples else {
      Issue.record("cutouts have 8 bits")
      return
    }
    var (opaque, agreeing) = (0, 0)
    for pixel in labels.labels.indices {
      let alpha = samples[4 * pixel + 3]
      if alpha == 255 {
        #expect(Array(samples[4 * pixel..<4 * pixel + 3]) == Array(colors[3 * pixel..<3 * pixel + 3]))
        opaque += 1
      }
      if (alpha > 127) == (labels.labels[pixel] == 1) { agreeing += 1 }
    }
    #expect(opaque > labels.labels.count / 4)
    #expect(Double(agreeing) > 0.98 * Double(labels.labels.count))
    // The mask is that of the hard threshold; the cutout's edge is soft.
    #expect(Set((0..<labels.labels.count).map { samples[4 * $0 + 3] }).count > 50)
  }

  @Test func probabilitiesAreArrays() throws {
    let output = folder.path("p.npz")
    expectSuccess(
      try seg(["segment", Repository.image(0)] + options + ["-o", output, "--output-format", "probabilities"]))
    let image = try Image(contentsOf: Repository.image(0))
    let values = try #require(try NPZ(contentsOf: output).arrays["probabilities"])
    #expect(values.shape == [image.height, image.width, 2])
    let numbers = values.elements(of: Float.self)
    #expect(stride(from: 0, to: numbers.count, by: 2).allSatisfy { abs(numbers[$0] + numbers[$0 + 1] - 1) < 1e-6 })
  }
}
