import Foundation
import SegEngine
import SegIO
import SegModels
import Testing

/// Whatever is wrong with an input or an output: one line that names it, a documented exit code, and nothing left behind.
@Suite struct BadInputTests {
  private let folder: Folder
  private var options: [String] { ["--model", "pupil-unet", "--weights", Repository.weights] }

  init() throws { folder = try Folder() }

  /// Runs a command that must fail, and checks that it changed nothing in the test's folder but for directories it made.
  private func expectFailure(
    _ arguments: [String], _ exitCode: Int32, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.contents()
    let result = try seg(arguments, in: folder.path)
    CommandLineTests.expectFailure(result, exitCode, parts, sourceLocation: sourceLocation)
    #expect(result.output == "", sourceLocation: sourceLocation)
    for (path, contents) in try folder.contents() where contents != nil {
      #expect(before[path] == contents, "\(path)", sourceLocation: sourceLocation)
    }
    for path in before.keys {
      #expect(FileManager.default.fileExists(atPath: folder.path(path)), sourceLocation: sourceLocation)
    }
  }

  // MARK: Images

  @Test func imagesThatAreNone() throws {
    let png = try bytes(Repository.image(0))
    let jpeg = try bytes(Repository.path("Tests/Fixtures/images/rgb.jpg"))
    let tiff = try bytes(Repository.path("Tests/Fixtures/images/rgb8_lzw.tif"))
    let cases: [(String, [UInt8], String)] = [
      ("empty.png", [], "empty"), ("text.png", Array("not an image at all".utf8), "not an image of a known format"),
      ("half.png", Array(png[..<(png.count / 2)]), "PNG"), ("magic.png", Array(png[..<8]), "PNG"),
      ("half.jpg", Array(jpeg[..<(jpeg.count / 2)]), "JPEG"), ("start.jpg", [0xff, 0xd8, 0xff], "JPEG"),
      ("half.tif", Array(tiff[..<(tiff.count / 2)]), "TIFF"), ("huge.png", hugePNG(), "100000×100000"),
      ("weights.png", Array(try bytes(Repository.weights)[..<4096]), "not an image of a known format"),
    ]
    for (name, contents, part) in cases {
      let path = try folder.add(name, contents)
      try expectFailure(["segment", path] + options + ["-o", folder.path("out"), "--overlay"], 65, path, part)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")) == [])
  }

  @Test func imagesThatCannotBeRead() throws {
    let directory = try folder.addFolder("directory.png")
    try expectFailure(["segment", directory] + options + ["-o", folder.path("out")], 66, directory, "has no images")
    let missing = folder.path("missing.png")
    try expectFailure(["segment", missing] + options + ["-o", folder.path("out")], 66, missing, "No such file")
    try expectFailure(["segment", ""] + options + ["-o", folder.path("out")], 66, "No such file")
    try expectFailure(["segment", "/dev/null"] + options + ["-o", folder.path("out")], 66, "/dev/null")
    // A name of two lines makes no message of two lines.
    try expectFailure(["segment", "two\nlines\r.png"] + options + ["-o", folder.path("out")], 66, "two lines")
    let below = try folder.add("file", [1]) + "/image.png"
    try expectFailure(["segment", below] + options + ["-o", folder.path("out")], 66, below, "Not a directory")
  }

  @Test func theSmallestAndTheLongestImagesAreNoError() throws {
    for (width, height) in [(1, 1), (3000, 1), (1, 3000), (2, 5)] {
      let path = folder.path("\(width)x\(height).png")
      try Image(
        width: width, height: height, layout: .rgb, samples: .uint8(Array(repeating: 9, count: width * height * 3))
      )
      .writePNG(to: path)
      expectSuccess(try seg(["segment", path] + options + ["-o", folder.path("out"), "--overlay"]))
      let labels = try LabelMap(contentsOf: folder.path("out/\(width)x\(height).png"))
      #expect((labels.width, labels.height) == (width, height))
    }
  }

  // MARK: Weights

  @Test func weightsThatAreNone() throws {
    let good = try bytes(Repository.weights)
    let overlapping =
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
    let outside = #"{"a":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4611686018427387904]}}"#
    let cases: [(String, [UInt8], String)] = [
      ("empty.safetensors", [], "empty"), ("text.pth", Array("weights".utf8), "no safetensors, NPZ or PyTorch"),
      ("half.safetensors", Array(good[..<(good.count / 2)]), "safetensors"),
      ("claim.safetensors", safetensors("{}", [], claiming: 1 << 60), "1152921504606846976"),
      ("most.safetensors", safetensors("{}", [], claiming: .max), "18446744073709551615"),
      ("overlap.safetensors", safetensors(overlapping, Array(repeating: 0, count: 12)), "another tensor"),
      ("outside.safetensors", safetensors(outside, [0, 0, 0, 0]), "safetensors"),
      ("array.npy", try bytes(Repository.path("Tests/Fixtures/weights/version1.npy")), "NumPy array"),
      ("image.pth", try bytes(Repository.image(0)), "no safetensors, NPZ or PyTorch"),
      ("zip.pth", Array(try bytes(Repository.path("Tests/Fixtures/models/attack.pth"))[..<600]), "zip"),
      (
        "attack.pth", try bytes(Repository.path("Tests/Fixtures/models/attack.pth")), "missing inc.double_conv.0.weight"
      ),
      ("attack2.pth", try bytes(Repository.path("Tests/Fixtures/weights/attack2.pth")), "unused w"),
      ("eval.pth", try bytes(Repository.path("Tests/Fixtures/weights/attack_eval.pth")), "unused w"),
      ("legacy.pth", try bytes(Repository.path("Tests/Fixtures/weights/legacy.pth")), "unused w"),
      ("script.pt", try bytes(Repository.path("Tests/Fixtures/weights/script.pt")), "torch.save("),
      ("pointer.pth", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8), "git lfs pull"),
      ("page.pth", Array("<!DOCTYPE html><html></html>".utf8), "web page (HTML)"),
      ("none.pth", try bytes(Repository.path("Tests/Fixtures/weights/no_tensors.pth")), "no dictionary of tensors"),
    ]
    for (name, contents, part) in cases {
      let path = try folder.add(name, contents)
      try expectFailure(
        ["segment", Repository.image(0), "--model", "pupil-unet", "--weights", path, "-o", folder.path("out")], 65,
        path,
        part)
    }
    // Neither has the pickle's command run, in this folder of all, nor has the directory for masks been made.
    #expect(!FileManager.default.fileExists(atPath: folder.path("attacked")))
    #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
  }

  @Test func weightsOfAnotherNetwork() throws {
    let good = try Parameters(contentsOf: Repository.weights)
    func run(_ name: String, _ change: (inout Parameters) -> Void, _ part: String) throws {
      var parameters = good
      change(&parameters)
      let path = folder.path(name)
      try parameters.write(to: path)
      for command in [
        ["segment", Repository.image(0), "--model", "pupil-unet", "-o", folder.path("out")],
        ["evaluate", "--images", Repository.path("Examples/pupil"), "--masks", Repository.path("Examples/pupil")]
          + ["--model", "pupil-unet"],
        ["run", "pupil-unet", "--input", "missing.npz", "--output", folder.path("out.npz")],
        ["bench", "pupil-unet", "--rounds", "1"],
      ] {
        try expectFailure(command + ["--weights", path], 65, path, part)
      }
    }
    try run("missing.safetensors", { $0["outc.bias"] = nil }, "missing outc.bias")
    try run("unused.npz", { $0["head.weight"] = Tensor([1], [Float(1)]) }, "unused head.weight")
    try run(
      "shape.safetensors", { $0["outc.weight"] = Tensor(zeros: [1, 33, 1, 1]) },
      "of another shape outc.weight (float32 [1, 33, 1, 1], expected float32 [1, 32, 1, 1])")
    try run("type.safetensors", { $0["outc.bias"] = Tensor(zeros: [1], of: .int32) }, "outc.bias (int32 [1]")
    try run("name.safetensors", { $0["two\nlines"] = Tensor([1], [Float(1)]) }, "unused two lines")
  }

  @Test func weightsThatCannotBeRead() throws {
    let missing = folder.path("missing.pth")
    let directory = try folder.addFolder("directory.pth")
    for (path, part) in [(missing, "No such file"), (directory, "is a directory"), ("/dev/null", "/dev/null")] {
      try expectFailure(
        ["segment", Repository.image(0), "--model", "pupil-unet", "--weights", path, "-o", folder.path("out")], 66,
        path,
        part)
    }
  }

  // MARK: Outputs

  @Test func masksThatCannotBeWritten() throws {
    // Nothing can be made below a file, not even by the superuser.
    let file = try folder.add("file", [1, 2, 3])
    for output in [file, file + "/below", file + "/far/below"] {
      try expectFailure(["segment", Repository.image(0)] + options + ["-o", output], 73, output, "directory")
    }
    try expectFailure(["segment", Repository.image(0)] + options + ["-o", ""], 73, "directory")
    let blocked = try folder.addFolder("out/\(Repository.frames[0]).png")
    try expectFailure(
      ["segment", Repository.image(0)] + options + ["-o", folder.path("out")], 73, blocked, "is a directory")
    let overlay = try folder.addFolder("other/\(Repository.frames[0])_overlay.png")
    let result = try seg(["segment", Repository.image(0)] + options + ["-o", folder.path("other"), "--overlay"])
    CommandLineTests.expectFailure(result, 73, [overlay, "is a directory"])
    // The mask was finished before; there is nothing else.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("other")).sorted()
        == ["\(Repository.frames[0]).png", "\(Repository.frames[0])_overlay.png"])
  }

  @Test func arraysThatCannotBeWritten() throws {
    let input = folder.path("in.npz")
    try NPZ(["image": Tensor(zeros: [1, 16, 16, 1])]).write(to: input)
    let directory = try folder.addFolder("directory.npz")
    let file = try folder.add("file", [1])
    for output in [directory, file + "/out.npz", folder.path("nowhere/out.npz"), "/dev/full"] {
      try expectFailure(
        ["run", "pupil-unet", "--weights", Repository.weights, "--input", input, "--output", output], 73, output)
      try expectFailure(
        ["evaluate", "--images", Repository.path("Examples/pupil"), "--masks", Repository.path("Examples/pupil")]
          + options + ["--probabilities", output], 73, output)
    }
  }

  @Test func imagesAreNotOverwritten() throws {
    let image = try folder.add("a.png", copyOf: Repository.image(0))
    try expectFailure(["segment", image] + options + ["-o", folder.path], 64, image, "would replace the image")
    try expectFailure(["segment", "a.png"] + options + ["-o", "."], 64, "a.png", "would replace the image")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: folder.path)
    try expectFailure(["segment", "a.png"] + options + ["-o", "link"], 64, "a.png", "would replace the image")
    // The overlay of one image and the mask of another.
    let overlay = try folder.add("sub/a_overlay.png", copyOf: Repository.image(0))
    try expectFailure(
      ["segment", image, overlay, "--overlay"] + options + ["-o", folder.path("out")], 64, image, overlay,
      "a_overlay.png")
    expectSuccess(try seg(["segment", image, overlay] + options + ["-o", folder.path("out")]))
  }

  // MARK: Usage

  @Test func wrongUsage() throws {
    let segment = ["segment", Repository.image(0)] + options + ["-o", folder.path("out")]
    let bench = ["bench", "pupil-unet"]
    let cases: [([String], String)] = [
      (["nothing"], "nothing"), (["segment"], "images"), (["segment", "x.png"], "--output"),
      (["segment", "x.png", "--model", "unet", "-o", "out"], "--weights"), (segment + ["--nothing"], "--nothing"),
      (segment + ["--threads", "0"], "--threads"), (segment + ["--threads", "257"], "--threads"),
      (segment + ["--threads", "two"], "two"), (segment + ["--threads", "99999999999999999999"], "--threads"),
      (segment + ["--threshold", "0"], "--threshold"), (segment + ["--threshold", "1"], "--threshold"),
      (segment + ["--threshold", "nan"], "--threshold"), (segment + ["--threshold=-0.1"], "--threshold"),
      (segment + ["--threshold", "x"], "--threshold"), (["summary", "pupil"], "pupil-unet"),
      (["segment", "x.png", "--model", "nothing", "--weights", "w", "-o", folder.path("out")], "nothing"),
      (["run", "nothing", "--weights", "w", "--input", "i", "--output", "o"], "nothing"),
      (["bench", "nothing"], "nothing"),
      (["summary", "unet", "--size", "0"], "--size"), (["summary", "unet", "--size", "-4"], "--size"),
      (["summary", "unet", "--size", "65537"], "--size"), (["summary", "unet", "--size", "4x"], "--size"),
      (["summary", "unet", "--size", "x4"], "--size"), (["summary", "unet", "--size", "1x2x3"], "--size"),
      (["summary", "unet", "--size", "15"], "15×15"), (["summary", "unet", "--size", "64x8"], "64×8"),
      (bench + ["--rounds", "0"], "--rounds"), (bench + ["--rounds", "-1"], "--rounds"),
      (bench + ["--size", "3"], "3×3"),
      (bench + ["--size", "65536"], "memory"),
      (["evaluate", "--images", "i", "--masks", "m", "--resolution", "double"] + options, "double"),
      (["run", "pupil-unet", "--weights", "w", "--input", "i", "--output", "o", "--layout", "hwc"], "hwc"),
    ]
    for (arguments, part) in cases { try expectFailure(arguments, 64, part) }
    // Names of one character are names.
    try expectFailure(["run", "pupil-unet", "--weights", "w", "--input", "i", "--output", "o"], 66, "w")
    #expect(try folder.contents().isEmpty)
  }

  // MARK: Evaluation

  private func evaluate(_ images: String, _ masks: String) -> [String] {
    ["evaluate", "--images", folder.path(images), "--masks", folder.path(masks), "--json"] + options
  }

  @Test func masksThatDoNotFit() throws {
    try folder.add("i/x.png", copyOf: Repository.image(0))
    try folder.addFolder("none")
    try expectFailure(evaluate("i", "none"), 65, folder.path("none"), "no mask for x.png")
    try expectFailure(evaluate("none", "none"), 65, folder.path("none"), "no images")
    try folder.add("extra/x.png", copyOf: Repository.mask(0))
    try folder.add("extra/y.png", copyOf: Repository.mask(0))
    try expectFailure(evaluate("i", "extra"), 65, folder.path("i"), "y.png")
    try folder.add("twice/x.png", copyOf: Repository.mask(0))
    try folder.add("twice/x.tif", copyOf: Repository.mask(0))
    try expectFailure(evaluate("i", "twice"), 65, "x.png", "x.tif")
    let other = try folder.add("size/x.png", copyOf: Repository.mask(1))
    try expectFailure(evaluate("i", "size"), 65, other, "212×171", "228×184")
    let broken = try folder.add("broken/x.png", Array(try bytes(Repository.mask(0)).prefix(200)))
    try expectFailure(evaluate("i", "broken"), 65, broken, "PNG")
    let lossy = try folder.add("lossy/x.png", copyOf: Repository.path("Tests/Fixtures/images/rgb.jpg"))
    try expectFailure(evaluate("i", "lossy"), 65, lossy, "JPEG")
    let directory = try folder.addFolder("folder/x.png")
    try expectFailure(evaluate("i", "folder"), 66, directory, "is a directory")
    let image = try folder.add("bad/x.png", Array(try bytes(Repository.image(0)).prefix(500)))
    try expectFailure(evaluate("bad", "extra"), 65, folder.path("bad"), "y.png")
    try folder.add("good/x.png", copyOf: Repository.mask(0))
    try expectFailure(evaluate("bad", "good"), 65, image, "PNG")
  }

  @Test func directoriesThatAreNone() throws {
    try folder.add("i/x.png", copyOf: Repository.image(0))
    try folder.add("file.png", [1])
    try expectFailure(evaluate("missing", "i"), 66, folder.path("missing"), "no such directory")
    try expectFailure(evaluate("i", "missing"), 66, folder.path("missing"), "no such directory")
    try expectFailure(evaluate("file.png", "i"), 66, folder.path("file.png"), "not a directory")
  }

  // MARK: Arrays

  @Test func arraysThatDoNotFit() throws {
    func run(_ arrays: [String: Tensor], _ exitCode: Int32, _ part: String, layout: String = "nhwc") throws {
      let input = folder.path("in.npz")
      try NPZ(arrays).write(to: input)
      try expectFailure(
        ["run", "pupil-unet", "--weights", Repository.weights, "--input", input, "--output", folder.path("out.npz")]
          + ["--layout", layout], exitCode, input, part)
    }
    let good = Tensor(zeros: [1, 16, 16, 1])
    try run([:], 65, "image")
    try run(["a": good, "b": good], 65, "no input a")
    try run(["image": good, "b": good], 65, "no input b")
    try run(["image": Tensor(zeros: [16, 16, 1])], 65, "[16, 16, 1]")
    try run(["image": Tensor(zeros: [16, 16])], 65, "[16, 16]", layout: "nchw")
    try run(["image": Tensor(scalar: Float(1))], 65, "[]")
    try run(["image": Tensor(zeros: [1, 16, 16, 3])], 65, "3")
    try run(["image": Tensor(zeros: [1, 3, 16, 16])], 65, "3", layout: "nchw")
    try run(["image": Tensor(zeros: [1, 16, 16, 1], of: .uint8)], 65, "uint8")
    try run(["image": Tensor(zeros: [1, 3, 16, 1])], 65, "Pool")
    try run(["image": Tensor(zeros: [1, 0, 16, 1])], 65, "[1, 0, 16, 1]")
  }

  @Test func arrayFilesThatAreNone() throws {
    let good = folder.path("good.npz")
    try NPZ(["image": Tensor(zeros: [1, 16, 16, 1])]).write(to: good)
    let contents = try bytes(good)
    for (name, contents) in [
      ("empty.npz", []), ("half.npz", Array(contents[..<(contents.count / 2)])), ("text.npz", Array("array".utf8)),
      ("single.npz", try bytes(Repository.path("Tests/Fixtures/weights/version1.npy"))),
      ("objects.npz", try bytes(Repository.path("Tests/Fixtures/models/attack.pth"))),
    ] as [(String, [UInt8])] {
      let input = try folder.add(name, contents)
      try expectFailure(
        ["run", "pupil-unet", "--weights", Repository.weights, "--input", input, "--output", folder.path("out.npz")],
        65,
        input)
    }
    try expectFailure(
      ["run", "pupil-unet", "--weights", Repository.weights, "--input", "missing.npz", "--output", "out.npz"], 66,
      "missing.npz", "No such file")
    #expect(!FileManager.default.fileExists(atPath: folder.path("attacked")))
  }

  // MARK: Streams

  /// A reader that has gone ends the program as it ends any other, or is reported where that signal is ignored.
  @Test func aClosedPipeIsNoTrap() throws {
    for arguments in [["models"], ["summary", "unet", "--json"], ["--help"]] {
      let pipe = Pipe()
      try pipe.fileHandleForReading.close()
      let result = try seg(arguments, output: pipe.fileHandleForWriting)
      if result.signal == nil {
        #expect(result.exitCode == 73 || arguments == ["--help"])
      } else {
        #expect(result.signal == SIGPIPE)
        #expect(result.errors == "")
      }
    }
  }

  #if os(Linux)
  @Test func aFullDiskIsNoSuccess() throws {
    for arguments in [
      ["models"], ["models", "--json"], ["summary", "unet"], ["bench", "pupil-unet", "--size", "16", "--rounds", "1"],
      ["segment", Repository.image(0), "-o", folder.path("out"), "--json"] + options,
    ] {
      let result = try seg(arguments, output: try FileHandle(forWritingTo: URL(filePath: "/dev/full")))
      CommandLineTests.expectFailure(result, 73, ["standard output", "No space left"])
    }
  }
  #endif

  // MARK: Files that lie

  /// A PNG file whose header claims 100000×100000 pixels, with right check sums, and few data.
  private func hugePNG() -> [UInt8] {
    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
      var sum: UInt32 = .max
      for byte in Array(type.utf8) + data {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
      }
      func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
      return number(UInt32(data.count)) + Array(type.utf8) + data + number(~sum)
    }
    return [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]
      + chunk("IHDR", [0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0, 8, 2, 0, 0, 0])
      + chunk("IDAT", [0x78, 0x9c, 3, 0, 0, 0, 0, 1])
      + chunk("IEND", [])
  }

  /// A safetensors file of a header and data, with the header's length or another claim.
  private func safetensors(_ header: String, _ data: [UInt8], claiming length: UInt64? = nil) -> [UInt8] {
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Array($0) } + Array(header.utf8) + data
  }
}
