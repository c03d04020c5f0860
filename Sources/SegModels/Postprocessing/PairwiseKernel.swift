import SegEngine

/// What ties two pixels of a ``DenseCRF``: a Gaussian of how far they are apart, and perhaps of how different their colours are.
public struct PairwiseKernel: Hashable, Sendable {
  /// What two labels cost beside each other, before the weight: µ(l, l′).
  public enum Compatibility: Hashable, Sendable {
    /// 1 where they differ, 0 where they are the same.
    case potts
    /// Row l, column l′. Negative costs draw labels together.
    case matrix([[Float]])
  }

  /// Factor of the energy.
  public var weight: Float
  /// Standard deviation of positions, in pixels.
  public var positionDeviation: Float
  /// Standard deviation of colours in steps of 8 bits (16-bit samples are divided by 257), or `nil` where they do not matter.
  public var colorDeviation: Float?
  /// What two labels cost beside each other.
  public var compatibility: Compatibility

  /// w · exp(−|p_i − p_j|² / (2 · positionDeviation²)): removes small isolated regions.
  public static func gaussian(
    weight: Float, positionDeviation: Float, compatibility: Compatibility = .potts
  ) -> PairwiseKernel {
    PairwiseKernel(
      weight: weight, positionDeviation: positionDeviation, colorDeviation: nil, compatibility: compatibility)
  }

  /// w · exp(−|p_i − p_j|² / (2 · positionDeviation²) − |c_i − c_j|² / (2 · colorDeviation²)): pixels that are near and alike get the
  /// same label.
  ///
  /// c are red, green and blue from 0 to 255; a grey image counts as one whose three channels are the same.
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

  /// What multiplies a row vector of filtered marginals [l′] from the right to give what is added to the log-probabilities [l]: −w µᵀ,
  /// row-major, or `nil` where that is w times the identity but for a number that all labels of a pixel share.
  var messageMatrix: [Float]? {
    guard case .matrix(let rows) = compatibility else { return nil }
    return rows.indices.flatMap { column in rows.map { -weight * $0[column] } }
  }

  /// The factor of filtered marginals that ``messageMatrix`` does not hold.
  var messageScale: Float { compatibility == .potts ? weight : 1 }

  /// The pixels of an image as points in the space where this kernel is exp(−|f_i − f_j|² / 2).
  func features(of image: Image) -> PixelFeatures {
    let isColor = image.layout.isColor
    let colors = colorDeviation == nil ? 0 : isColor ? 3 : 1
    let dimensions = 2 + colors
    let stride = image.layout.count
    var values = [Float](repeating: 0, count: image.width * image.height * dimensions)
    var pixel = 0
    // Three equal channels are √3 times as far apart as one.
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

/// Points, one a pixel, row by row.
struct PixelFeatures: Sendable {
  /// Coordinates of a point.
  let dimensions: Int
  /// `[pixel, dimension]`
  let values: [Float]

  /// Number of points.
  var count: Int { values.count / dimensions }
}
