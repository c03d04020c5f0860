import Foundation
import SegEngine
import SegIO
import SegModels

/// The readers of files that come from outside.
enum Reader: String, CaseIterable {
  case png, jpeg, tiff, webp, bmp, gif, netpbm
  /// A NumPy array as an image.
  case numpyImage = "numpy-image"
  /// The regions of a TIFF or other file, one after the other.
  case regions
  /// A mask in each reading of its pixels.
  case mask
  case safetensors, npy, npz
  /// Checkpoints of PyTorch: zip archives, and pickles as before version 1.6.
  case pth
  /// The import of an ONNX file as a graph.
  case onnx
  /// An ONNX file with a predictor's settings found in it.
  case onnxSegmentation = "onnx-segmentation"
  case settings, profile, latency
  case colors
  /// The string form of COCO's run lengths.
  case runLengths = "run-lengths"

  /// Reads a file, and does what its readers do with a file of this kind. Errors are what a damaged file is expected to give.
  func read(_ bytes: [UInt8], at path: @autoclosure () -> String) throws {
    switch self {
    case .png, .jpeg, .tiff, .webp, .bmp, .gif, .netpbm, .numpyImage:
      _ = try Image(decoding: bytes, limits: Self.limits)
    case .regions: try readRegions(path())
    case .mask:
      for reading in [LabelMap.Reading.storedValue, .nonZeroIsForeground, .alphaIsForeground] {
        _ = try LabelMap(decoding: bytes, reading: reading, limits: Self.limits)
      }
    case .safetensors: _ = try Safetensors(contentsOf: path())
    case .npy: _ = try Tensor(npyFile: path())
    case .npz: _ = try NPZ(contentsOf: path())
    case .pth: _ = try Parameters(contentsOf: path())
    case .onnx: _ = try Graph(onnx: path())
    case .onnxSegmentation: _ = try Predictor(contentsOf: path())
    case .settings: _ = try PredictionSettings(json: bytes).classList(of: 3)
    case .profile: _ = try StoredProfile(contentsOf: path())
    case .latency: _ = try LatencyRecord(contentsOf: path())
    case .colors: _ = try LabelColors(contentsOf: path())
    case .runLengths:
      let text = String(decoding: bytes, as: UTF8.self)
      _ = try RunLengthEncoding(width: 40, height: 30, compressed: text).mask
    }
  }

  /// The limits keep a file from being large by right, so that the limit of memory shows what is large by mistake.
  private static let limits = ImageLimits(maximumPixels: 1 << 22)

  private func readRegions(_ path: String) throws {
    let file = try ImageFile(contentsOf: path, limits: Self.limits)
    let (height, width) = (file.height, file.width)
    let side = max(64, max(height, width) / 4)
    for top in stride(from: 0, to: height, by: side) {
      for left in stride(from: 0, to: width, by: side) {
        _ = try file.image(rows: top..<min(height, top + side), columns: left..<min(width, left + side))
      }
    }
  }
}
