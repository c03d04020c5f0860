import SegEngine

/// A loss of the form 1 − ratio(Σ p t, Σ p, Σ t).
public protocol OverlapLoss: SegmentationLoss {
  /// The options common to overlap losses.
  var options: OverlapOptions { get }
  /// Whether the prediction count is Σ p² instead of Σ p.
  var squaresPrediction: Bool { get }
  /// The loss of a class in a region, and its derivatives with respect to the intersection and the prediction.
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

/// Reduces the losses of all classes and regions.
private struct OverlapRegions {
  /// The reduced loss.
  let value: Double
  /// The loss of each class in each region, `[regions, classes]`.
  let elements: Tensor
  /// The derivatives of the reduced loss with respect to the soft counts, `[images, channels]`.
  private(set) var byIntersection: [Double]
  private(set) var byPrediction: [Double]

  /// - Parameter sums: `[images, channels, 3]`: intersection, prediction, truth.
  init(_ loss: some OverlapLoss, _ batch: LossBatch, _ sums: [Double], channels: Int) {
    let options = loss.options
    let firstChannel = options.includesBackground || channels == 1 ? 0 : 1
    let isFlat = options.classes == .flattened
    let regions = options.region == .image ? batch.images : min(1, batch.images)
    let classes = isFlat ? 1 : channels
    // Sum the counts of all images and channels that belong to a class of a region.
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
