import Foundation
import Testing

/// A package that depends on this one by version, as its users do.
@Suite(.serialized) struct ClientPackageTests {
  /// Packages whose targets have unsafe flags cannot be depended on by version.
  @Test func theManifestHasNoUnsafeFlags() throws {
    let manifest = try String(contentsOfFile: Repository.path("Package.swift"), encoding: .utf8)
    #expect(manifest.contains("swift-tools-version"))
    #expect(!manifest.contains("unsafeFlags"))
  }

  /// A copy of all files that are tracked, or would be, becomes a repository with a version; the client is built against that
  /// and run. It compiles the libraries again, without optimisation: about half a minute on two processors.
  @Test func aClientBuildsAndRuns() throws {
    let folder = try Folder()
    let package = try folder.addFolder("swift-segmentation")
    try copyFiles(to: package)
    let git = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false"]
    try run("git", ["init", "--quiet"], in: package)
    try run("git", ["add", "--all", "--force"], in: package)
    try run("git", git + ["commit", "--quiet", "--no-verify", "--message", "A version"], in: package)
    try run("git", git + ["tag", "0.1.0"], in: package)
    try FileManager.default.copyItem(
      atPath: Repository.path("Tests/Fixtures/client"), toPath: folder.path("client"))
    // Nothing outside the folder remembers that this version was ever seen.
    let places = ["--cache-path", folder.path("cache"), "--security-path", folder.path("security")]
    try run(
      "swift", ["build", "--configuration", "debug", "-Xcc", "-O1", "--scratch-path", folder.path("build")] + places,
      in: folder.path("client"), environment: ["SEGMENTATION_URL": "file://\(package)"], seconds: 420)
    let network = Repository.path("Tests/Fixtures/segmentation/logits.onnx")
    let result = try run(
      folder.path("build/debug/client"), [Repository.weights, Repository.image(0), network, folder.path("")],
      in: folder.path("client"))
    // The number of pixels is PyTorch's, from the fixture; what else is printed follows from the articles' code.
    let expected = try JSONDecoder().decode(
      [String: Expected].self, from: Data(bytes(Repository.path("Tests/Fixtures/models/pupil.json"))))
    let frame = try #require(expected[Repository.frames[0]])
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(lines.prefix(2) == ["\(frame.width)×\(frame.height): \(frame.image.prediction)", "true true"])
    #expect(FileManager.default.fileExists(atPath: folder.path("mask.png")))
    // The exported network takes the frame at its own size and has one input and one output.
    #expect(lines.contains("\(frame.width) \(frame.height)") && lines.contains("1 1"))
    #expect(lines.contains("conv1.weight [16, 3, 3, 3]") && lines.contains("head.bias [21]"))
    #expect(lines.contains("[1, 96, 128, 21]"))
    // Differences of 1, 4 and 9; an operator from outside that took batch normalisation and ReLU, and gives what three operators give.
    let own = try #require(lines.firstIndex(of: "1.0"))
    #expect(
      lines[own...].prefix(6) == ["1.0", "3.0", "5.0", "blurPool BlurPool + relu binomial", "3", "true"])
    // A convolution algorithm from outside is a candidate beside the engine's own, and gives what theirs gives.
    let names = lines[(own + 6)...].dropLast(4).map { $0.split(separator: " ").dropLast().joined(separator: " ") }
    #expect(names.contains("tap loop") && names.contains("direct"))
    #expect(lines.dropLast(2).suffix(2) == ["tap loop", "true"])
    // A network is trained, and its weights run.
    #expect(lines.suffix(2) == ["loss falls: true", "trained weights run: true"])
  }

  private struct Expected: Decodable {
    struct Score: Decodable { let prediction: Int }
    let width, height: Int
    let image: Score
  }

  /// Copies what `git` knows of the repository and what it would add; all but builds where it is no repository.
  private func copyFiles(to target: String) throws {
    let listed = try? run(
      "git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], in: Repository.root.path)
    let names =
      listed?.output.split(separator: "\0").map(String.init)
      ?? (FileManager.default.enumerator(atPath: Repository.root.path)?.compactMap { $0 as? String } ?? [])
      .filter { !$0.hasPrefix(".build") && !$0.hasPrefix("perf/.build") && $0 != "Package.resolved" }
    #expect(names.contains("Package.swift"))
    for name in names {
      var isDirectory: ObjCBool = false
      // A file that is tracked may have been deleted.
      guard FileManager.default.fileExists(atPath: Repository.path(name), isDirectory: &isDirectory),
        !isDirectory.boolValue
      else { continue }
      let file = URL(filePath: target).appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: Repository.path(name), toPath: file.path(percentEncoded: false))
    }
  }

  /// Runs a program that must succeed, found by its name where that is no path.
  @discardableResult private func run(
    _ program: String, _ arguments: [String], in folder: String, environment: [String: String] = [:],
    seconds: Double = 60
  ) throws -> Program.Result {
    let isPath = program.hasPrefix("/")
    let result = try Program.run(
      URL(filePath: isPath ? program : "/usr/bin/env"), (isPath ? [] : [program]) + arguments, in: folder,
      environment: environment, seconds: seconds)
    try #require(
      result.exitCode == 0,
      "\(program) \(arguments.joined(separator: " ")): \(result.errors) \(result.output.suffix(3000))")
    return result
  }
}
