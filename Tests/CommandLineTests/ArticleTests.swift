import Foundation
import Testing

/// The code of the articles is code of the client package, which is compiled and run (``ClientPackageTests``).
@Suite struct ArticleTests {
  /// Lines without their indentation; a block of an article may be less deeply indented than the code.
  private func lines(_ text: some StringProtocol) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map {
      Substring($0.trimmingCharacters(in: .whitespaces))
    }
  }

  private func files(under folder: String, suffix: String) throws -> [String: String] {
    let names = FileManager.default.enumerator(atPath: Repository.path(folder))?.compactMap { $0 as? String } ?? []
    return try Dictionary(
      uniqueKeysWithValues: names.filter { $0.hasSuffix(suffix) }.map {
        ($0, try String(contentsOfFile: Repository.path(folder + "/" + $0), encoding: .utf8))
      })
  }

  @Test func everyBlockOfCodeIsCompiled() throws {
    let code = try files(under: "Tests/Fixtures/client/Sources/client", suffix: ".swift").mapValues(lines)
    let articles = try files(under: "Sources", suffix: ".md").filter { $0.key.contains(".docc/") }
    #expect(articles.count >= 10)
    var count = 0
    for (name, text) in articles {
      for part in text.components(separatedBy: "```swift\n").dropFirst() {
        let block = lines(part.components(separatedBy: "\n```")[0])
        count += 1
        #expect(
          code.values.contains { lines in
            lines.indices.contains {
              $0 + block.count <= lines.count && lines[$0..<$0 + block.count].elementsEqual(block)
            }
          }, "\(name): \(block.joined(separator: "\n"))")
      }
    }
    #expect(count >= 20)
  }
}
