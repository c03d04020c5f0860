import Foundation
import SegEngine
import SegModels
import Testing

/// What PyTorch's and fvcore's counters say of reference networks (`Tests/Parity/counters.py`), and what this project counts by their
/// rules.
@Suite struct CounterTests {
  struct Figures: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let size: Int
    let pytorch: Int
    let fvcore: Int
    let fvcoreByOperator: [String: Int]

    var testDescription: String { name }
  }

  static let all: [Figures] = {
    guard let data = FileManager.default.contents(atPath: Fixtures.path("Tests/Fixtures/counters.json")) else {
      return []
    }
    return (try? JSONDecoder().decode([Figures].self, from: data)) ?? []
  }()

  @Test func thereAreTen() { #expect(Self.all.count >= 10) }

  @Test(arguments: all) func countsAreThoseOfTheCounters(_ figures: Figures) throws {
    let network = try #require(ModelRegistry.find(figures.name)).network
    let analysis = try GraphAnalysis(network.graph(size: Extent2D(figures.size), auxiliary: true))
    #expect(analysis.total.operations(.pytorch) == figures.pytorch)
    // Products alone, then all that fvcore counts.
    let products = ["conv", "linear", "matmul"].reduce(0) { $0 + (figures.fvcoreByOperator[$1] ?? 0) }
    #expect(analysis.total.operations(.torchvision) == products)
    #expect(analysis.total.operations(.fvcore) - Self.meansOverAxes(figures.name, analysis) == figures.fvcore)
  }

  /// fvcore knows adaptive average pooling and does not know a mean over axes. Which of the two a reference calls does not show in a graph:
  /// those whose pooling of the whole map is a mean count less by an operation an element.
  private static func meansOverAxes(_ name: String, _ analysis: GraphAnalysis) -> Int {
    guard ["bisenetv2"].contains(name) else { return 0 }
    return analysis.layers.filter { $0.operation == "GlobalPool" }.reduce(0) {
      $0 + $1.operations(.fvcore) - $1.operations(.torchvision)
    }
  }
}
