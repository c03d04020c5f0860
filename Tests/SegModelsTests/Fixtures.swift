import Foundation
import SegEngine
import SegIO
import SegModels

/// What `Tests/Fixtures/models/make_models.py` computed with PyTorch and Pillow, and the example under `Examples/pupil`.
enum Fixtures {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file of the repository.
  static func path(_ relative: String) -> String { repository.appending(path: relative).path(percentEncoded: false) }

  /// The description beside a fixture's tensors.
  static func description<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: URL(filePath: path("Tests/Fixtures/models/\(name).json"))))
  }

  /// A fixture's tensors by name.
  static func tensors(_ name: String) throws -> [String: Tensor] {
    try Safetensors(contentsOf: path("Tests/Fixtures/models/\(name).safetensors")).tensors
  }

  /// The tensors whose names begin with a prefix, without it.
  static func tensors(_ all: [String: Tensor], below prefix: String) -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for (name, tensor) in all where name.hasPrefix(prefix) { result[String(name.dropFirst(prefix.count))] = tensor }
    return result
  }
}

/// What a fixture does not hold although its description says so.
struct MissingFixture: Error {
  let name: String
}

extension [String: Tensor] {
  /// The tensor of a name.
  func named(_ name: String) throws -> Tensor {
    guard let tensor = self[name] else { throw MissingFixture(name: name) }
    return tensor
  }
}

extension Tensor {
  /// From the axes of PyTorch to those of the engine.
  var channelsLast: Tensor { transposed([0, 2, 3, 1]) }

  /// The elements of a tensor of float32.
  var floats: [Float] { elements(of: Float.self) }

  /// The largest magnitude.
  var largest: Float { floats.reduce(0) { max($0, abs($1)) } }

  /// The largest difference from another tensor of the same shape; infinite where there is a NaN or another shape.
  func distance(to other: Tensor) -> Float {
    guard shape == other.shape else { return .infinity }
    return zip(floats, other.floats).reduce(0) { largest, pair in
      let difference = abs(pair.0 - pair.1)
      return difference.isNaN ? .infinity : max(largest, difference)
    }
  }
}

/// Numbers for an input, the same in every run.
func noise(_ shape: Shape, seed: UInt64) -> Tensor {
  var generator = SeededGenerator(seed: seed)
  return Tensor(shape, (0..<shape.elementCount).map { _ in Float.random(in: -1..<1, using: &generator) })
}

/// Whether the tests are compiled with optimisation.
let isOptimized: Bool = {
  #if DEBUG
  false
  #else
  true
  #endif
}()
