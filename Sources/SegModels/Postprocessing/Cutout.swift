import SegEngine

/// Cuts the foreground out of images: opacity from a network's probabilities, refined at the image's edges, and colours
/// without the background's share.
public struct Cutout: Hashable, Sendable {
  /// The refinement of the probabilities; `nil` interpolates them.
  public var refinement: GuidedFilter?
  /// Probabilities at and below the lower bound become transparent, at and above the upper bound opaque, and linear
  /// between.
  public var opacityRange: ClosedRange<Float>
  /// Whether the colours of partly transparent pixels are freed of the background's.
  public var estimatesForeground: Bool

  /// Creates the settings of a cutout.
  public init(
    refinement: GuidedFilter? = GuidedFilter(), opacityRange: ClosedRange<Float> = 0.1...0.9,
    estimatesForeground: Bool = true
  ) {
    self.refinement = refinement
    self.opacityRange = opacityRange
    self.estimatesForeground = estimatesForeground
  }

  /// Cuts an image out.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - foreground: The probability of foreground on the reduced image, one plane.
  ///   - guide: The reduced image, red, green and blue from 0 to 1.
  /// - Returns: The image as 8-bit RGBA; alpha is the opacity, and colours are not multiplied by it.
  func callAsFunction(_ image: Image, foreground: Planes, guide: Planes, on workers: WorkerPool) -> Image {
    let coefficients =
      refinement?.coefficients(of: foreground, guide: guide, on: workers)
      ?? Planes(
        height: foreground.height, width: foreground.width,
        planes: Array(repeating: [Float](repeating: 0, count: foreground.pixelCount), count: 3) + foreground.planes)
    let colors = estimatesForeground ? estimatedColors(coefficients, guide, on: workers) : nil
    let (height, width) = (image.height, image.width)
    let vertical = PlaneInterpolation(from: foreground.height, to: height)
    let horizontal = PlaneInterpolation(from: foreground.width, to: width)
    let pixels = image.rgb8()
    let result = [UInt8](unsafeUninitializedCapacity: height * width * 4) { result, initialized in
      // Each row is written by one worker only.
      nonisolated(unsafe) let result = result
      workers.forEachRange(height, grain: max(1, 65536 / width)) { rows, _ in
        for row in rows {
          func rows(of planes: Planes) -> [[Float]] {
            planes.planes.map { vertical.row(row, of: $0, width: planes.width) }
          }
          let (a, estimate) = (rows(of: coefficients), colors.map(rows))
          for column in 0..<width {
            let source = (row * width + column) * 3
            let color = SIMD3(Float(pixels[source]), Float(pixels[source + 1]), Float(pixels[source + 2])) / 255
            let slope = SIMD3(
              horizontal.value(column, of: a[0]), horizontal.value(column, of: a[1]), horizontal.value(column, of: a[2])
            )
            let alpha = opacity((slope * color).sum() + horizontal.value(column, of: a[3]))
            var shown = color
            if let estimate, alpha > 0, alpha < 1 {
              func estimated(_ first: Int) -> SIMD3<Float> {
                SIMD3(
                  horizontal.value(column, of: estimate[first]), horizontal.value(column, of: estimate[first + 1]),
                  horizontal.value(column, of: estimate[first + 2]))
              }
              let (front, back) = (estimated(0), estimated(3))
              shown = front + alpha * (color - alpha * front - (1 - alpha) * back)
            }
            let bytes = (shown.clamped(lowerBound: .zero, upperBound: .one) * 255).rounded(.toNearestOrAwayFromZero)
            let target = (row * width + column) * 4
            for channel in 0..<3 { result.initializeElement(at: target + channel, to: UInt8(bytes[channel])) }
            result.initializeElement(at: target + 3, to: UInt8((alpha * 255).rounded()))
          }
        }
      }
      initialized = height * width * 4
    }
    return Image(width: width, height: height, layout: .rgba, samples: .uint8(result))
  }

  private func opacity(_ probability: Float) -> Float {
    let range = max(opacityRange.upperBound - opacityRange.lowerBound, .leastNormalMagnitude)
    return min(max((probability - opacityRange.lowerBound) / range, 0), 1)
  }

  /// Estimates the colours of foreground and background around each pixel of the reduced image: means weighted by
  /// opacity (the first step of Forte, arXiv 2102.09843).
  private func estimatedColors(_ coefficients: Planes, _ guide: Planes, on workers: WorkerPool) -> Planes {
    let a = coefficients.planes
    let alpha = (0..<guide.pixelCount).map { pixel in
      opacity(
        a[0][pixel] * guide.planes[0][pixel] + a[1][pixel] * guide.planes[1][pixel]
          + a[2][pixel] * guide.planes[2][pixel] + a[3][pixel])
    }
    let rest = alpha.map { 1 - $0 }
    func weighted(_ weights: [Float]) -> [[Float]] {
      guide.planes.map { plane in zip(plane, weights).map { $0 * $1 } }
    }
    let means = Planes(
      height: guide.height, width: guide.width, planes: weighted(alpha) + weighted(rest) + [alpha, rest]
    ).boxMeans(radius: max(2, max(guide.height, guide.width) / 64), on: workers).planes
    return Planes(
      height: guide.height, width: guide.width,
      planes: (0..<6).map { index in
        let weights = means[index < 3 ? 6 : 7]
        // Far from the foreground there is none to estimate, and the pixel's own colour stands in.
        return (0..<guide.pixelCount).map { pixel in
          weights[pixel] > 1e-3 ? means[index][pixel] / weights[pixel] : guide.planes[index % 3][pixel]
        }
      })
  }
}

extension Predictor {
  /// Cuts the foreground, every class but 0, out of an image.
  ///
  /// - Returns: The image as 8-bit RGBA, at its own size. Alpha is the opacity, and colours are not multiplied by it.
  /// - Throws: The errors of ``callAsFunction(_:at:keepingLogits:)``; ``PredictionError`` if the network outputs labels.
  public func cutout(_ image: Image, _ settings: Cutout = Cutout()) throws -> Image {
    let workers = model.backend.workers
    let (input, placement) = try preprocessing(image, on: workers)
    return try cutout(image, settings, of: model(preprocessing.networkInput(input)), placement)
  }

  /// Cuts the foreground out of an image, given its prediction.
  ///
  /// - Precondition: The prediction is of this image and has logits.
  /// - Throws: ``PredictionError`` if the network outputs labels.
  public func cutout(_ image: Image, _ settings: Cutout = Cutout(), of prediction: Prediction) throws -> Image {
    guard let logits = prediction.logits else {
      preconditionFailure("a cutout needs a prediction made with keepingLogits: true")
    }
    return try cutout(image, settings, of: logits, prediction.placement)
  }

  private func cutout(
    _ image: Image, _ settings: Cutout, of output: Tensor, _ placement: Placement
  ) throws -> Image {
    let workers = model.backend.workers
    let size = (settings.refinement ?? GuidedFilter()).reducedSize(
      of: Extent2D(height: image.height, width: image.width))
    let map = output.reshaped(to: try MapReading.featureMapShape(output.shape))
    let probabilities = try distribution(of: map, placement.showing(imageOf: size))
    let foreground = probabilities.withElements(of: Float.self) { values in
      let classes = probabilities.shape[2]
      return (0..<size.height * size.width).map { 1 - values[$0 * classes] }
    }
    let (guide, _) = try Preprocessing(channels: .rgb, fit: .stretch(size))(image, on: workers)
    return settings(
      image, foreground: Planes(height: size.height, width: size.width, planes: [foreground]), guide: Planes(guide),
      on: workers)
  }
}
