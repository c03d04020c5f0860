import Foundation
import Testing

/// The commands of the README.
struct ReadmeTests {
  /// Those that are said to run as they stand, one after the other.
  @Test func commandsRunAsTheyStand() throws {
    let readme = try String(contentsOfFile: Repository.path("README.md"), encoding: .utf8)
    let section = try #require(readme.range(of: "These run as they stand"))
    let block = try #require(readme[section.upperBound...].range(of: "```sh\n"))
    let end = try #require(readme[block.upperBound...].range(of: "```"))
    let lines = readme[block.upperBound..<end.lowerBound].split(separator: "\n")
    #expect(lines.count > 4)
    // A clone: the files it reads, and a place for what it writes.
    let folder = try Folder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("Examples"), withDestinationPath: Repository.path("Examples"))
    try FileManager.default.createDirectory(atPath: folder.path("bin"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("bin/seg"), withDestinationPath: Repository.products.appending(path: "seg").path)
    for line in lines {
      let result = try Program.run(
        URL(filePath: "/bin/sh"), ["-c", "PATH=\"$PWD/bin:$PATH\"; " + line], in: folder.path)
      #expect(
        result.exitCode == 0 && result.errorLines?.contains { $0.hasPrefix("seg:") } == false,
        "\(line): \(result.errors)")
    }
    #expect(FileManager.default.fileExists(atPath: folder.path("output/report.html")))
  }
}
