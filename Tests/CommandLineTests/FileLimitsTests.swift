import Foundation
import SegEngine
import SegIO
import Testing

/// Outputs that cannot be whole are not there at all, and the reason is said.
@Suite struct FileLimitsTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private var network: String { "--model pupil-unet --weights '\(Repository.weights)'" }

  private func shell(_ command: String) throws -> Program.Result {
    try Program.run(
      URL(filePath: "/bin/sh"), ["-c", command], in: folder.path,
      environment: ["SEG": Repository.products.appending(path: "seg").path(percentEncoded: false)])
  }

  private func expectNothing(besides names: [String]) throws {
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == names)
  }

  /// A file that would grow beyond the limit of its size, in blocks of 512 bytes as `ulimit -f` has them.
  @Test func theLimitOfAFilesSize() throws {
    try folder.addFolder("out")
    let image = Repository.image(0)
    expectFailure(
      try shell("ulimit -f 1; exec \"$SEG\" segment '\(image)' \(network) -o out"), 73,
      ["out/\(Repository.frames[0]).png", "cannot be written: File too large"])
    try expectNothing(besides: [])
    // What was there before stays.
    let former = try folder.add("out/x.npz", [1, 2, 3])
    for (file, arguments) in [
      (
        "out/x.npz",
        "evaluate --images '\(Repository.path("Examples/pupil/images"))' --masks '\(Repository.path("Examples/pupil/masks"))' \(network) --probabilities out/x.npz"
      ),
      (
        "out/y.html",
        "evaluate --predictions '\(Repository.path("Examples/pupil/masks"))' --masks '\(Repository.path("Examples/pupil/masks"))' --html out/y.html"
      ),
    ] {
      expectFailure(try shell("ulimit -f 1; exec \"$SEG\" \(arguments)"), 73, [file, "File too large"])
      try expectNothing(besides: ["x.npz"])
    }
    #expect(try bytes(former) == [1, 2, 3])
    // Results on a standard output that is a file.
    expectFailure(
      try shell("ulimit -f 1; exec \"$SEG\" models --json > out.json"), 73, ["standard output", "File too large"])
    expectSuccess(try shell("ulimit -f 2000; exec \"$SEG\" segment '\(image)' \(network) -o out"))
    try expectNothing(besides: ["\(Repository.frames[0]).png", "x.npz"].sorted())
  }

  /// A training whose log cannot grow says so, and can be continued with more space.
  @Test func aTrainingThatCannotWriteCanBeContinued() throws {
    _ = try makeSet(folder)
    let options = "--steps 200 --interval 200 --widths 4,8 --crop 16 --batch 2"
    expectFailure(
      try shell("ulimit -f 16; exec \"$SEG\" train data -o run \(options)"), 73,
      ["run/log.jsonl: cannot be written: File too large"])
    expectSuccess(try shell("exec \"$SEG\" train data -o run --resume"))
    let log = try String(contentsOfFile: folder.path("run/log.jsonl"), encoding: .utf8)
    #expect(log.split(separator: "\n").count == 201)
  }

  /// A program that is told to end does so by the signal, and leaves nothing half-written.
  @Test(arguments: [(SIGINT, "INT"), (SIGTERM, "TERM"), (SIGHUP, "HUP")]) func signalsEndTheProgram(
    number: Int32, name: String
  ) throws {
    try folder.addFolder("out")
    // It waits for its input, a pipe that nobody writes to.
    let result = try shell(
      "mkfifo pipe; (sleep 0.5; kill -\(name) $$) & exec \"$SEG\" segment pipe \(network) -o out")
    #expect(result.signal == number, "\(result)")
    try expectNothing(besides: [])
  }

  /// A signal that is ignored already, as by nohup, stays so.
  @Test func ignoredSignalsStayIgnored() throws {
    try folder.addFolder("out")
    let result = try shell(
      "trap '' HUP; mkfifo pipe; (sleep 0.3; kill -HUP $$; sleep 0.3; cat '\(Repository.image(0))' > pipe) & exec \"$SEG\" segment pipe \(network) -o out"
    )
    expectSuccess(result)
    try expectNothing(besides: ["pipe.png"])
  }
}
