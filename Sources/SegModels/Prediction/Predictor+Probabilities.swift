import SegEngine

extension Predictor {
  /// The probability of each class at the image's size, `[height, width, classes]`. A network with one output channel
  /// gives background and foreground.
  ///
  /// Each view is the image, preprocessed to `scale` times the network's input size. A flipped view mirrors the
  /// network's input left to right and mirrors its output back.
  ///
  /// - Throws: `GraphError` if the network does not support an image of that size, ``PredictionError`` if its output is
  ///   not a map of probabilities or logits.
  public func probabilities(for image: Image, views: TestTimeAugmentation = .none) throws -> Tensor {
    var combined: Tensor?
    for scale in views.scales {
      var preprocessing = preprocessing
      if scale != 1 { preprocessing.fit = preprocessing.fit.scaled(by: scale) }
      let (input, placement) = try preprocessing(image, on: model.backend.workers)
      for isFlipped in views.flips ? [false, true] : [false] {
        let output = try model(preprocessing.networkInput(isFlipped ? input.flipped() : input))
        let map = output.reshaped(to: try MapReading.featureMapShape(output.shape))
        let view = try distribution(of: isFlipped ? map.flipped() : map, placement)
        if combined == nil { combined = view } else { combined!.combine(view, views.combination) }
      }
    }
    guard var combined else { preconditionFailure("test-time augmentation needs at least one view") }
    if views.scales.count * (views.flips ? 2 : 1) > 1 { combined.normalizeRows() }
    return combined
  }

  /// The probability of each class of a prediction, `[height, width, classes]`: the softmax over the classes, or
  /// background and foreground from the sigmoid of one logit, or the network's output if it already is probabilities.
  ///
  /// - Parameters:
  ///   - prediction: A prediction with logits.
  ///   - resolution: The resolution; `nil` for that of the network's output.
  /// - Precondition: The prediction has logits.
  /// - Throws: ``PredictionError`` if the output is not a map, or is labels.
  public func probabilities(of prediction: Prediction, at resolution: Resolution? = nil) throws -> Tensor {
    guard let logits = prediction.logits else {
      preconditionFailure("probabilities(of:) needs a prediction made with keepingLogits: true")
    }
    let map = logits.reshaped(to: try MapReading.featureMapShape(logits.shape))
    guard resolution != .image else { return try distribution(of: map, prediction.placement) }
    let size =
      resolution == .network
      ? prediction.placement.networkSize : Extent2D(height: map.shape.height, width: map.shape.width)
    return try distribution(of: map, Placement(of: size, fit: .keep(multipleOf: 1)))
  }

  /// The labels of an image from several views, refined by a conditional random field if one is given, and the
  /// probabilities or the field's marginals, `[height, width, classes]`.
  ///
  /// The CRF that a network was published with is its predictor's ``refinement``.
  ///
  /// For a network with a threshold, the odds of the probabilities are divided by the odds of the threshold before the
  /// CRF. The CRF's decision at one half then corresponds to the network's decision at the threshold.
  ///
  /// - Throws: The errors of ``probabilities(for:views:)``, and ``CRFError``.
  public func refined(
    _ image: Image, views: TestTimeAugmentation = .none, crf: DenseCRF? = nil
  ) throws -> (labels: LabelMap, probabilities: Tensor) {
    var probabilities = try probabilities(for: image, views: views)
    var threshold = postprocessing.threshold
    if let crf {
      if let bound = threshold { probabilities.moveThreshold(bound) }
      threshold = threshold == nil ? nil : 0.5
      probabilities = try crf(probabilities, image: image, on: model.backend)
    }
    return (LabelMap(probabilities: probabilities, threshold: threshold), probabilities)
  }
}

extension Predictor {
  /// The probability of each class at the placement's image size, `[height, width, classes]`, from a map `[1, height, width,
  /// classes]` of any resolution. One channel gives background and foreground. A map whose values sum to 1 at each
  /// pixel is treated as probabilities.
  func distribution(of map: Tensor, _ placement: Placement) throws -> Tensor {
    let areProvided =
      switch postprocessing {
      case .largestProbability, .independent: true
      case .argmax: map.elementType == .float32 && map.sumsToOne
      case .threshold, .labels, .probabilityThreshold, .saliencyThreshold,
        .saliencyLogits:
        false
      }
    let values = try readings.run(
      MapReading(
        postprocessing: postprocessing, placement: placement, resolution: .image,
        result: .probabilities(areProvided: areProvided)), of: map, on: model.backend)
    let size = placement.imageSize
    if postprocessing.threshold == nil {
      var distribution = values.reshaped(to: [size.height, size.width, values.shape.channels])
      // Quantised probabilities sum to nearly 1; those of independent classes have any sum.
      if areProvided { distribution.normalizeRows() }
      return distribution
    }
    return values.withElements(of: Float.self) { values in
      Tensor([size.height, size.width, 2]) { (result: inout MutableSpan<Float>) in
        for pixel in 0..<values.count {
          let foreground = min(max(values[pixel], 0), 1)
          result[2 * pixel] = 1 - foreground
          result[2 * pixel + 1] = foreground
        }
      }
    }
  }
}

extension Tensor {
  /// Whether no value is negative and the values of each pixel sum to 1.
  fileprivate var sumsToOne: Bool {
    let channels = shape.channels
    return withElements(of: Float.self) { values in
      for pixel in 0..<shape.rows {
        var sum: Float = 0
        for c in pixel * channels..<(pixel + 1) * channels {
          if !(values[c] >= 0) { return false }
          sum += values[c]
        }
        if !(abs(sum - 1) < 1e-3) { return false }
      }
      return true
    }
  }

  /// A feature map `[batch, height, width, channels]`, mirrored left to right.
  fileprivate func flipped() -> Tensor {
    let (width, channels) = (shape.width, shape.channels)
    return withElements(of: Float.self) { source in
      Tensor(shape) { (target: inout MutableSpan<Float>) in
        for row in 0..<shape.batch * shape.height {
          for column in 0..<width {
            for c in 0..<channels {
              target[(row * width + column) * channels + c] = source[(row * width + width - 1 - column) * channels + c]
            }
          }
        }
      }
    }
  }

  /// Combines the probabilities with those of another view: adds them, or takes the maximum.
  fileprivate mutating func combine(_ other: Tensor, _ combination: TestTimeAugmentation.Combination) {
    other.withElements(of: Float.self) { other in
      withMutableElements(of: Float.self) { values in
        switch combination {
        case .mean: for index in 0..<other.count { values[index] += other[index] }
        case .maximum: for index in 0..<other.count { values[index] = max(values[index], other[index]) }
        }
      }
    }
  }

  /// Divides the values of each pixel by their sum. Negative values count as 0. If the sum is 0, all classes get equal
  /// probability.
  mutating func normalizeRows() {
    let (pixels, channels) = (shape.rows, shape.channels)
    withMutableElements(of: Float.self) { values in
      for pixel in 0..<pixels {
        var sum: Float = 0
        for c in pixel * channels..<(pixel + 1) * channels {
          values[c] = max(values[c], 0)
          sum += values[c]
        }
        for c in pixel * channels..<(pixel + 1) * channels {
          values[c] = sum > 0 ? values[c] / sum : 1 / Float(channels)
        }
      }
    }
  }

  /// Divides the odds of class 1, of two classes, by the odds of a threshold.
  fileprivate mutating func moveThreshold(_ threshold: Float) {
    let pixels = shape.rows
    withMutableElements(of: Float.self) { values in
      for pixel in 0..<pixels {
        let background = values[2 * pixel] * threshold
        let foreground = values[2 * pixel + 1] * (1 - threshold)
        values[2 * pixel] = background / (background + foreground)
        values[2 * pixel + 1] = foreground / (background + foreground)
      }
    }
  }
}
