import SegEngine
import SegIO
import SegModels

/// The segmentation of one image in all formats that are asked for, with the times of its parts.
struct ImageSegmentation: Sendable {
  /// A result before it is written.
  enum Contents {
    /// The bytes of a file.
    case bytes([UInt8])
    /// An archive of arrays, which is written as it is compressed.
    case arrays(NPZ)

    /// Writes the result, completely or not at all.
    func write(to path: String) throws {
      switch self {
      case .bytes(let bytes): try FileSystem.write(bytes, to: path)
      case .arrays(let archive): try archive.write(to: path)
      }
    }
  }

  /// The results of an image.
  struct Outcome {
    let image: Image
    let labels: LabelMap
    /// The results, by format.
    var results: [(format: OutputFormat, contents: Contents)] = []
    var decodingSeconds = 0.0
    var networkSeconds = 0.0
    var encodingSeconds = 0.0
    /// The warnings about the image's file.
    let warnings: [String]
  }

  let segmenter: Segmenter
  let formats: [OutputFormat]
  let reading: ImageReadingOptions
  let tiling: Tiling?
  let views: TestTimeAugmentation?
  /// Returns the conditional random field; `nil` for none.
  let crf: DenseCRF?
  let palette: Palette
  let opacity: Double

  /// Reads, segments and encodes an image.
  ///
  /// - Parameter progress: Is called with the number of computed tiles and of all tiles.
  func callAsFunction(_ path: String, progress: (Int, Int) -> Void) throws -> Outcome {
    let clock = ContinuousClock()
    var mark = clock.now
    func lap() -> Double {
      defer { mark = clock.now }
      return (clock.now - mark) / .seconds(1)
    }
    let (image, warnings) = try reading.image(path, for: segmenter.predictor.preprocessing)
    let decoding = lap()
    var prediction: Predictor.Prediction?
    var probabilities: Tensor?
    let labels: LabelMap
    if let tiling {
      labels = try Failure.about(path) { try segmenter.predictor.labels(for: image, in: tiling, progress: progress) }
    } else if crf != nil || views != nil {
      (labels, probabilities) = try segmenter.refined(image, of: path, views: views ?? .none, crf: crf)
    } else {
      let keepsLogits = formats.contains { $0.needsLogits }
      let result = try segmenter.prediction(for: image, of: path, keepingLogits: keepsLogits)
      labels = result.labels
      if keepsLogits { prediction = result }
    }
    var cutout: Image?
    try Failure.about(path) {
      if formats.contains(.cutout) {
        cutout =
          try prediction.map { try segmenter.predictor.cutout(image, of: $0) } ?? segmenter.predictor.cutout(image)
      }
      if formats.contains(.probabilities), let prediction {
        probabilities = try segmenter.predictor.probabilities(of: prediction, at: .image)
      }
    }
    var outcome = Outcome(image: image, labels: labels, warnings: warnings)
    (outcome.decodingSeconds, outcome.networkSeconds) = (decoding, lap())
    outcome.results = try Failure.writing {
      try formats.map { format in
        switch format {
        case .labels: (format, .bytes(try labels.pngBytes(palette: palette)))
        case .overlay:
          (format, .bytes(try image.overlaid(with: labels, palette: palette, opacity: opacity).pngBytes()))
        case .cutout: (format, .bytes(try cutout!.pngBytes()))
        case .probabilities: (format, .arrays(NPZ(["probabilities": probabilities!])))
        }
      }
    }
    outcome.encodingSeconds = lap()
    return outcome
  }
}
