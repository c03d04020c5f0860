import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// Predictors from a network's name and a file of weights.
@Suite struct NamedPredictorTests {
  private static let examples = TestSupport.Fixtures.url("../../Examples/pupil").standardized
  private static let weights = examples.appending(path: "pupil-unet.safetensors")
  private static let frame = "HQL073_250515_004_eye_45595"

  private struct Expected: Decodable {
    struct Score: Decodable { let prediction: Int }
    let image: Score
  }

  /// The number of foreground pixels is PyTorch's.
  @Test func theNameGivesThePreparationAndTheReading() throws {
    let expected = try JSONDecoder().decode(
      [String: Expected].self, from: Data(contentsOf: TestSupport.Fixtures.url("models/pupil.json")))
    let count = try #require(expected[Self.frame]).image.prediction
    let image = try Image(contentsOf: Self.examples.appending(path: "images/\(Self.frame).png"))
    for predictor in [
      try Predictor(named: "pupil-unet", weights: Self.weights.path),
      try Predictor(named: "pupil-unet", weights: Self.weights),
    ] {
      #expect(try predictor(image).labels.labels.count { $0 == 1 } == count)
    }
  }

  @Test func theThresholdIsTheCallers() throws {
    let image = try Image(contentsOf: Self.examples.appending(path: "images/\(Self.frame).png"))
    let counts = try [Float(0.1), 0.9].map { threshold in
      try Predictor(named: "pupil-unet", weights: Self.weights, threshold: threshold)(image).labels.labels
        .count { $0 == 1 }
    }
    #expect(counts[0] > counts[1])
  }

  @Test func errorsNameTheNetworkAndTheFile() throws {
    let weights = Self.weights.path
    func message(_ body: () throws -> Predictor) -> String {
      do {
        _ = try body()
        return ""
      } catch let error as NetworkError {
        return error.description
      } catch {
        return "of another type: \(error)"
      }
    }
    #expect(
      message { try Predictor(named: "nothing", weights: weights) }.hasPrefix("there is no network named nothing"))
    #expect(message { try Predictor(named: "pupil-unet", weights: weights, classes: 0) }.contains("not 0"))
    #expect(message { try Predictor(named: "enet", weights: weights) }.hasPrefix(weights))
    let few = message { try Predictor(named: "pupil-unet", weights: weights, classes: 3) }
    #expect(few.contains(weights) && few.hasSuffix("the checkpoint is of 1 classes"), "\(few)")
    #expect(
      message { try Predictor(named: "pupil-unet", weights: weights, key: "ema") }.contains("ema"))
  }
}
