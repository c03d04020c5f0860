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
    #expect(analysis.total.operations(.fvcore) == figures.fvcore + Self.difference(figures, analysis))
  }

  /// What this project counts more by fvcore's rule, because the reference is written in another way.
  private static func difference(_ figures: Figures, _ analysis: GraphAnalysis) -> Int {
    switch figures.name {
    case "bisenetv2":
      // fvcore knows adaptive average pooling, one an element, and does not know the mean over axes that this reference calls instead.
      return analysis.layers.filter { $0.operation == "GlobalPool" }.reduce(0) {
        $0 + $1.operations(.fvcore) - $1.operations(.torchvision)
      }
    case "segformer-b0":
      // The reference resizes the finest of its four projections, too, to the size that it has: four an element of 256 channels.
      return -4 * 256 * (figures.size / 4) * (figures.size / 4)
    default: return 0
    }
  }
}
