import Foundation
import Testing

/// `seg report`.
@Suite struct ReportTests {
  @Test func thePageHasItsPicturesInside() throws {
    let folder = try Folder()
    let output = folder.path("complexity")
    expectSuccess(
      try seg([
        "report", output, "--image", Repository.image(0), "--weights", Repository.weights, "--field-side", "24",
      ]))
    let names = try FileManager.default.contentsOfDirectory(atPath: output)
    let pictures = names.filter { $0.hasSuffix(".svg") }
    #expect(pictures.contains("attention-crossing.svg") && pictures.contains("receptive-field.svg"))
    #expect(Set(names) == Set(pictures + ["README.md", "index.html"]))
    let markdown = try String(contentsOfFile: "\(output)/README.md", encoding: .utf8)
    let page = try String(contentsOfFile: "\(output)/index.html", encoding: .utf8)
    for picture in pictures { #expect(markdown.contains("](\(picture))"), "\(picture)") }
    // Nothing is fetched, no Markdown is left, and every table row is there.
    #expect(page.components(separatedBy: "<svg").count - 1 == pictures.count)
    #expect(
      !page.contains("src=\"http") && !page.contains("href=\"http") && !page.contains("![") && !page.contains("\n| "))
    let rows = markdown.components(separatedBy: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }.count
    #expect(page.components(separatedBy: "<tr>").count - 1 == rows)
    #expect(page.contains("39 of 75 positions"))
  }

  @Test func imagesNeedWeights() throws {
    let folder = try Folder()
    #expect(try seg(["report", folder.path("x"), "--image", Repository.image(0)]).exitCode != 0)
  }
}
