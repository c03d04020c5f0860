import SegEngine

/// A pairwise term of a ``DenseCRF``: a Gaussian of the distance between two pixels and, optionally, of their colour
/// difference.
public struct PairwiseKernel: Hashable, Sendable {
  /// The label compatibility µ(l, l′): the cost of two labels, before the weight.
  public enum Compatibility: Hashable, Sendable {
    /// Potts model: 0 for equal labels, 1 for different labels.
    case potts
    /// A matrix with row l and column l′. Negative costs attract labels.
    case matrix([[Float]])
  }

  /// The weight w of the term.
  public var weight: Float
  /// The standard deviation of positions, in pixels.
  public var positionDeviation: Float
  /// The standard deviation of colours on the 8-bit scale (16-bit samples are divided by 257), or `nil` if colours are
  /// not used.
  public var colorDeviation: Float?
  /// The label compatibility.
  public var compatibility: Compatibility

  /// The smoothness kernel w · exp(−|p_i − p_j|² / (2 · positionDeviation²)). It removes small isolated regions.
  public static func gaussian(
    weight: Float, positionDeviation: Float, compatibility: Compatibility = .potts
  ) -> PairwiseKernel {
    PairwiseKernel(
      weight: weight, positionDeviation: positionDeviation, colorDeviation: nil, compatibility: compatibility)
  }

  /// The appearance kernel w · exp(−|p_i − p_j|² / (2 · positionDeviation²) − |c_i − c_j|² / (2 · colorDeviation²)).
  /// Nearby pixels of similar colour tend to get the same label.
  ///
  /// c are red, green and blue from 0 to 255. A grey image is treated as three equal channels.
  public static func bilateral(
    weight: Float, positionDeviation: Float, colorDeviation: Float, compatibility: Compatibility = .potts
  ) -> PairwiseKernel {
    PairwiseKernel(
      weight: weight, positionDeviation: positionDeviation, colorDeviation: colorDeviation,
      compatibility: compatibility)
  }

  func validate(classes: Int) throws(CRFError) {
    func isDeviation(_ value: Float) -> Bool { value > 0 && value.isFinite }
    guard weight.isFinite, isDeviation(positionDeviation), colorDeviation.map(isDeviation) ?? true else {
      throw .kernel(self)
    }
    if case .matrix(let rows) = compatibility {
      guard rows.count == classes, rows.allSatisfy({ $0.count == classes && $0.allSatisfy(\.isFinite) }) else {
        throw .compatibility(rows: rows.count, classes: classes)
      }
    }
  }

  /// The row-major matrix −w µᵀ. A row vector of filtered marginals [l′], multiplied by it from the right, is added to
  /// the log-probabilities [l]. `nil` if it is w times the identity, up to a constant that all labels of a pixel share.
  var messageMatrix: [Float]? {
    guard case .matrix(let rows) = compatibility else { return nil }
    return rows.indices.flatMap { column in rows.map { -weight * $0[column] } }
  }

  /// The factor of filtered marginals that is not part of ``messageMatrix``.
  var messageScale: Float { compatibility == .potts ? weight : 1 }

  /// The features f of the image's pixels, for which this kernel is exp(−|f_i − f_j|² / 2).
  func features(of image: Image) -> PixelFeatures {
    let isColor = image.layout.isColor
    let colors = colorDeviation == nil ? 0 : isColor ? 3 : 1
    let dimensions = 2 + colors
    let stride = image.layout.count
    var values = [Float](repeating: 0, count: image.width * image.height * dimensions)
    var pixel = 0
    // Three equal channels are √3 times as far apart as one channel.
    let unit: Float = image.white / 255 * (colorDeviation ?? 1) / (isColor ? 1 : Float(3).squareRoot())
    func fill(_ sample: (Int) -> Float) {
      for row in 0..<image.height {
        for column in 0..<image.width {
          let base = pixel * dimensions
          values[base] = Float(column) / positionDeviation
          values[base + 1] = Float(row) / positionDeviation
          for c in 0..<colors { values[base + 2 + c] = sample(pixel * stride + c) / unit }
          pixel += 1
        }
      }
    }
    switch image.samples {
    case .uint8(let samples): fill { Float(samples[$0]) }
    case .uint16(let samples): fill { Float(samples[$0]) }
    case .float32(let samples): fill { samples[$0] }
    }
    return PixelFeatures(dimensions: dimensions, values: values)
  }
}
