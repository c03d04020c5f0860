import SegEngine

/// What losses of overlapping regions have in common: 1 minus a ratio of soft counts, for each class of each image or of the batch.
public struct OverlapOptions: Sendable, Hashable {
  /// Over what the soft counts are summed.
  public enum Region: Sendable, Hashable, CaseIterable {
    /// All images of the batch together.
    case batch
    /// Each image alone; the loss is the mean over images as over classes.
    case image
  }

  /// What a class counts in a region without a pixel of it.
  public enum AbsentClass: Sendable, Hashable, CaseIterable {
    /// Nothing: the mean is over the others.
    case leftOut
    /// A loss of 0 that stays in the mean (segmentation-models-pytorch).
    case zero
    /// What the formula gives, so that what is predicted there is punished (MONAI).
    case counted
  }

  /// How classes come together.
  public enum Classes: Sendable, Hashable, CaseIterable {
    /// A ratio a class, then the weighted mean.
    case averaged
    /// The soft counts of all classes summed into one ratio. Class weights do not apply.
    case flattened
  }

  /// What makes probabilities; `nil` is a sigmoid for one channel and softmax for more.
  public var activation: LossActivation?
  /// Over what counts are summed.
  public var region: Region = .batch
  /// What absent classes count.
  public var absentClasses: AbsentClass = .leftOut
  /// How classes come together.
  public var classes: Classes = .averaged
  /// Added to numerator and denominator.
  public var smoothing = 1e-5
  /// Whether class 0 takes part, where there are several channels.
  public var includesBackground = true
  /// A weight a channel; `nil` is 1 for each.
  public var classWeights: [Double]?
  /// Pixels of this label count for nothing.
  public var ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel
  /// The mean divides by the sum of the weights of the regions' classes that count; elements are `[images or 1, classes]` (or 1 where
  /// flattened).
  public var reduction: LossReduction = .mean

  /// Makes the default choices.
  public init() {}
}

/// Soft counts of a class in a region: sums over the pixels, with the probability p and the truth t, 0 or 1.
public struct OverlapCounts: Sendable, Hashable {
  /// Σ p t.
  public var intersection = 0.0
  /// Σ p, or Σ p².
  public var prediction = 0.0
  /// Σ t.
  public var truth = 0.0
}

/// A loss of the form 1 − ratio(Σ p t, Σ p, Σ t).
public protocol OverlapLoss: SegmentationLoss {
  /// The choices that all of them have.
  var options: OverlapOptions { get }
  /// Whether predictions are counted as Σ p².
  var squaresPrediction: Bool { get }
  /// The loss of a region's class, and its derivatives with respect to the intersection and the prediction.
  func regionLoss(_ counts: OverlapCounts) -> (value: Double, byIntersection: Double, byPrediction: Double)
}

extension OverlapLoss {
  public var squaresPrediction: Bool { false }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let options = options
    let channels = logits.shape.rank == 4 ? logits.shape.channels : 0
    let activation = options.activation ?? (channels == 1 ? .sigmoid : .softmax)
    let batch = try LossBatch(
      logits, targets, ignoreLabel: options.ignoreLabel, activation: activation, on: workers)
    if let weights = options.classWeights, weights.count != channels {
      throw .weightsDiffer(weights: weights.count, classes: channels)
    }
    let probabilities = PixelProbabilities(activation: activation)
    let squares = squaresPrediction
    let sums = batch.forEachPixel(terms: 3 * channels, gradient: false, on: workers) {
      _, label, logits, derivatives, sums in
      probabilities.forward(logits, into: &derivatives)
      for channel in 0..<logits.count {
        let probability = derivatives[channel]
        sums[3 * channel + 1] += squares ? probability * probability : probability
        if isChannel(channel, of: label, channels: logits.count) {
          sums[3 * channel] += probability
          sums[3 * channel + 2] += 1
        }
      }
      return 0
    }
    let regions = OverlapRegions(self, batch, sums.terms, channels: channels)
    var result = LossValue(value: regions.value, elements: options.reduction == .none ? regions.elements : nil)
    guard gradient else { return result }
    let (byIntersection, byPrediction) = (regions.byIntersection, regions.byPrediction)
    result.gradient =
      batch.forEachPixel(terms: 0, gradient: true, on: workers) { pixel, label, logits, derivatives, _ in
        probabilities.forward(logits, into: &derivatives)
        let first = pixel / batch.pixelsPerImage * channels
        probabilities.backward(logits, &derivatives) { channel, probability in
          byPrediction[first + channel] * (squares ? 2 * probability : 1)
            + (isChannel(channel, of: label, channels: channels) ? byIntersection[first + channel] : 0)
        }
        return 0
      }.gradient
    return result
  }
}

/// The losses of the regions' classes, brought together.
private struct OverlapRegions {
  /// The reduced loss.
  let value: Double
  /// The single losses, `[regions, classes]`.
  let elements: Tensor
  /// The derivatives of the loss with respect to the soft counts of each channel of each image.
  private(set) var byIntersection: [Double]
  private(set) var byPrediction: [Double]

  /// - Parameter sums: `[images, channels, 3]`: intersection, prediction, truth.
  init(_ loss: some OverlapLoss, _ batch: LossBatch, _ sums: [Double], channels: Int) {
    let options = loss.options
    let firstChannel = options.includesBackground || channels == 1 ? 0 : 1
    let isFlat = options.classes == .flattened
    let regions = options.region == .image ? batch.images : min(1, batch.images)
    let classes = isFlat ? 1 : channels
    // Counts of a region's class, from the images and channels that belong to it.
    var counts = [OverlapCounts](repeating: OverlapCounts(), count: regions * classes)
    func place(_ image: Int, _ channel: Int) -> Int {
      (options.region == .image ? image : 0) * classes + (isFlat ? 0 : channel)
    }
    for image in 0..<batch.images {
      for channel in firstChannel..<channels {
        let first = (image * channels + channel) * 3
        counts[place(image, channel)].intersection += sums[first]
        counts[place(image, channel)].prediction += sums[first + 1]
        counts[place(image, channel)].truth += sums[first + 2]
      }
    }
    var values = [Float](repeating: 0, count: regions * classes)
    var derivatives = [(Double, Double)](repeating: (0, 0), count: regions * classes)
    var (total, divisor) = (0.0, 0.0)
    for region in 0..<regions {
      for index in (isFlat ? 0 : firstChannel)..<classes {
        let count = counts[region * classes + index]
        let weight = isFlat ? 1 : options.classWeights?[index] ?? 1
        if count.truth == 0 && options.absentClasses != .counted {
          if options.absentClasses == .zero { divisor += weight }
          continue
        }
        let (value, byIntersection, byPrediction) = loss.regionLoss(count)
        divisor += weight
        total += weight * value
        values[region * classes + index] = Float(weight * value)
        derivatives[region * classes + index] = (weight * byIntersection, weight * byPrediction)
      }
    }
    let scale = options.reduction != .mean ? 1 : divisor > 0 ? 1 / divisor : 0
    self.value = total * scale
    elements = Tensor([regions, classes], values)
    byIntersection = Array(repeating: 0, count: batch.images * channels)
    byPrediction = byIntersection
    for image in 0..<batch.images {
      for channel in firstChannel..<channels {
        let (intersection, prediction) = derivatives[place(image, channel)]
        byIntersection[image * channels + channel] = intersection * scale
        byPrediction[image * channels + channel] = prediction * scale
      }
    }
  }
}
