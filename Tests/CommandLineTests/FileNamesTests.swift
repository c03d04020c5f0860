import Foundation
import SegEngine
import SegIO
import Testing

/// Names of files are bytes, as long as the file system takes them.
@Suite struct FileNamesTests {
  private let folder: Folder
  private let network = "--model pupil-unet --weights '\(Repository.weights)'"

  init() throws { folder = try Folder() }

  /// Runs a command of a shell in the folder, which has `seg` as `$SEG` and a function `name` that prints `café` in Latin-1.
  private func shell(_ command: String) throws -> Program.Result {
    try Program.run(
      URL(filePath: "/bin/sh"), ["-c", "name() { printf 'caf\\351'; }\n" + command], in: folder.path,
      environment: ["SEG": Repository.products.appending(path: "seg").path(percentEncoded: false)])
  }

  @Test func bytesThatAreNoTextGoInAndOut() throws {
    try folder.add("x.png", copyOf: Repository.image(0))
    let segmented = try shell(
      #"mkdir "$(name)" && mv x.png "$(name)/$(name).png" && "#
        + #""$SEG" segment "$(name)/$(name).png" \#(network) -o "$(name)/masks" --overlay --json"#)
    expectSuccess(segmented)
    struct Report: Decodable {
      struct Entry: Decodable { let image, mask: String }
      let images: [Entry]
    }
    let report: Report = try segmented.json()
    #expect(report.images[0].image == #"caf\xE9/caf\xE9.png"# && report.images[0].mask == #"caf\xE9/masks/caf\xE9.png"#)
    let written = try shell(
      #"test -f "$(name)/masks/$(name).png" && test -f "$(name)/masks/$(name)_overlay.png" && ls -A "$(name)/masks" | wc -l"#
    )
    expectSuccess(written)
    #expect(written.output.trimmingCharacters(in: .whitespacesAndNewlines) == "2")
    // Directories are listed, and what is in them found, in JSON, on a page, in arrays and in complaints.
    try folder.add("plain/masks/x.png", copyOf: Repository.mask(0))
    let evaluated = try shell(
      #"mv plain/masks/x.png "plain/masks/$(name).png" && mkdir images && cp "$(name)/$(name).png" images/ && "#
        + #""$SEG" evaluate --images images --masks plain/masks \#(network) --json --html "$(name).html" --probabilities "$(name).npz""#
    )
    expectSuccess(evaluated)
    #expect(evaluated.output.contains(#""name" : "caf\\xE9""#))
    let page = try shell(#"cat "$(name).html""#)
    #expect(page.output.contains(#"caf\xE9: "#))
    let arrays = try shell(#"mv "$(name).npz" p.npz"#)
    expectSuccess(arrays)
    #expect(try NPZ(contentsOf: folder.path("p.npz")).arrays.keys.sorted() == [#"caf\xE9"#])
    let missing = try shell(#""$SEG" segment "$(name)-none.png" \#(network) -o out"#)
    expectFailure(missing, 66, [#"caf\xE9-none.png: cannot be opened: No such file"#])
  }

  /// Weights, settings and networks behind such names.
  @Test func everyInputMayHaveSuchAName() throws {
    try folder.add("w.safetensors", copyOf: Repository.weights)
    try folder.add("x.png", copyOf: Repository.image(0))
    let result = try shell(
      #"mkdir "$(name)" && mv w.safetensors "$(name)/w" && "$SEG" segment x.png --model pupil-unet --weights "$(name)/w" -o "$(name)/out" && test -f "$(name)/out/x.png""#
    )
    expectSuccess(result)
  }

  @Test func longNamesHaveMasks() throws {
    // With the longest names there is room for a mask, and for an overlay where eight bytes are left.
    for (count, hasOverlay) in [(255, false), (247, true)] {
      let name = String(repeating: "n", count: count - 4)
      try folder.add("in/\(name).png", copyOf: Repository.image(0))
      let command =
        [
          "segment", folder.path("in/\(name).png"), "--model", "pupil-unet", "--weights", Repository.weights, "-o",
          folder.path("out"),
        ]
        + (hasOverlay ? ["--overlay"] : [])
      for _ in 0..<2 { expectSuccess(try seg(command)) }
      #expect(try LabelMap(contentsOf: folder.path("out/\(name).png")).width == 228)
    }
    // A mask's name that is longer than names can be is an error that says so.
    let name = String(repeating: "m", count: 252)
    try folder.add("in/\(name)", copyOf: Repository.image(0))
    let result = try seg(
      [
        "segment", folder.path("in/\(name)"), "--model", "pupil-unet", "--weights", Repository.weights, "-o",
        folder.path("out"),
      ])
    expectFailure(result, 73, ["\(name).png", "File name too long"])
    #expect(try folder.contents().keys.allSatisfy { !$0.contains(".tmp") })
  }
}
