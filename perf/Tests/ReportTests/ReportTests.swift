import Foundation
import Testing

@testable import seg_bench

/// `seg-bench report`.
@Suite struct ReportTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
    .standardized
  private static let weights = root.appending(path: "Examples/pupil/pupil-unet.safetensors").path
  private static let image =
    root.appending(path: "Examples/pupil/images/HQL073_250515_004_eye_45595.png").path
  private static let profile = root.appending(path: "Tests/Fixtures/profiles/avx2-2-threads.json").path

  /// A path of a folder that does not exist yet.
  private let folder = FileManager.default.temporaryDirectory.appending(path: "seg-report-\(UUID().uuidString)")

  /// Runs the command with the folder's directory `complexity` as its output.
  private func report(_ options: String...) throws {
    let command = try #require(
      try SegBench.parseAsRoot(["report", folder.appending(path: "complexity").path] + options) as? Report)
    try command.run()
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: "complexity/\(name)"), encoding: .utf8)
  }

  @Test func thePageContainsItsPictures() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try report("--image", Self.image, "--weights", Self.weights, "--field-side", "24")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "complexity").path)
    let pictures = names.filter { $0.hasSuffix(".svg") }
    #expect(pictures.contains("attention-crossing.svg") && pictures.contains("receptive-field.svg"))
    #expect(Set(names) == Set(pictures + ["README.md"]))
    let markdown = try text("README.md")
    let page = try MarkdownPage(markdown, picture: { .embedded(svg: try text($0)) }).html
    for picture in pictures { #expect(markdown.contains("](\(picture))"), "\(picture)") }
    // Nothing is fetched, no Markdown is left, and every table row is there.
    #expect(page.components(separatedBy: "<svg").count - 1 == pictures.count)
    #expect(
      !page.contains("src=\"http") && !page.contains("href=\"http") && !page.contains("![") && !page.contains("\n| "))
    let rows = markdown.components(separatedBy: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }.count
    #expect(page.components(separatedBy: "<tr>").count - 1 == rows)
    #expect(page.contains("39 of 75 positions"))
  }

  @Test func everyGriddingPictureIsWritten() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try report()
    let markdown = try text("README.md")
    let pictures = markdown.matches(of: /\]\((gridding-[0-9-]+\.svg)\)/).map { String($0.output.1) }
    #expect(pictures.count == 9)
    for picture in pictures { #expect(!(try text(picture)).isEmpty) }
    #expect(markdown.contains("| 1, 6, 12, 18 | 75 | 39 |"))
  }

  @Test func imagesNeedWeights() {
    #expect(throws: (any Error).self) { try report("--image", Self.image) }
  }

  @Test func aFileIsNoDirectory() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data([1]).write(to: folder.appending(path: "complexity"))
    #expect(throws: (any Error).self) { try report() }
  }

  @Test func thePartOnTimeNeedsTheRecord() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: (any Error).self) {
      try report("--performance", folder.appending(path: "performance").path, "--profile", Self.profile)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("latency.json"))
  }
}
