import SegEngine
import SegIO

/// A file of class probabilities for each pixel, in one of the forms that `seg segment` writes.
struct ProbabilityFile {
  let path: String

  /// Reads the probabilities, float32 `[height, width, classes]`.
  ///
  /// - Throws: ``Failure`` if the file has no array of probabilities, and the reader's error if it cannot be read.
  func tensor() throws -> Tensor {
    switch path.lowercased().split(separator: ".").last {
    case "npz": try archived()
    case "tif", "tiff": try bands()
    default: try Tensor(npyFile: path)
    }
  }

  /// The array `probabilities` of an archive, or its only one.
  private func archived() throws -> Tensor {
    let arrays = try NPZ(contentsOf: path).arrays
    if let tensor = arrays["probabilities"] ?? (arrays.count == 1 ? arrays.first?.value : nil) { return tensor }
    throw Failure(
      .badInput,
      "\(path): has no array probabilities: it has \(arrays.keys.sorted().joined(separator: ", "))")
  }

  /// A TIFF file with a band for each class: floating-point numbers, or 16 bits with 65535 for 1.
  private func bands() throws -> Tensor {
    let image = try Image(contentsOf: path)
    let shape: Shape = [image.height, image.width, image.layout.count]
    switch image.samples {
    case .float32(let samples): return Tensor(shape, samples)
    case .uint16(let samples): return Tensor(shape, Self.distributions(samples, classes: image.layout.count))
    case .uint8: throw Failure(.badInput, "\(path): its samples have 8 bits, which are no probabilities")
    }
  }

  /// Converts samples to probabilities. The samples of a pixel are divided by their sum if it differs from 65535 by at most
  /// one for each class, as rounding makes it. Otherwise they are divided by 65535, so that the field still refuses them.
  private static func distributions(_ samples: [UInt16], classes: Int) -> [Float] {
    var result = [Float](repeating: 0, count: samples.count)
    for first in stride(from: 0, to: samples.count, by: classes) {
      let sum = samples[first..<first + classes].reduce(0) { $0 + Int($1) }
      let divisor = Float(abs(sum - 65535) <= classes ? sum : 65535)
      for index in first..<first + classes { result[index] = Float(samples[index]) / divisor }
    }
    return result
  }
}
