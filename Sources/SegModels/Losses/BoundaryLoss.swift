import SegEngine

/// Boundary loss: the mean over pixels and classes of φ p, where φ is the signed distance map of the class's ground
/// truth, negative inside (Kervadec et al., Boundary loss for highly unbalanced segmentation, 2019).
///
/// Moving probability from outside the true region into it lowers the loss, in proportion to the distance. Good
/// predictions have a negative loss. Combine it with a region loss; see ``LossSchedule``. Elements are φ p, `[batch,
/// height, width, classes]` (with one channel, `[batch, height, width, 1]`).
public struct BoundaryLoss: SegmentationLoss {
  /// The classes that contribute. `nil` is all classes but 0 (with one channel, the foreground), as in the paper.
  public var classes: [Int]?
  /// The distance between neighbouring pixels.
  public var spacing: PixelSpacing
  /// The convention for the sign and the zero of the distance map.
  public var convention: DistanceTransform.SignedConvention
  /// The activation that turns logits into probabilities. `nil` is a sigmoid for one channel and softmax for more.
  public var activation: LossActivation?
  /// Pixels of this label are ignored. For the distance maps they lie outside every class.
  public var ignoreLabel: UInt16?
  /// The mean divides by the number of pixels that are not ignored times the number of contributing classes.
  public var reduction: LossReduction

  /// Creates the loss.
  public init(
    classes: [Int]? = nil, spacing: PixelSpacing = .unit,
    convention: DistanceTransform.SignedConvention = .innermostZero, activation: LossActivation? = nil,
    ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, reduction: LossReduction = .mean
  ) {
    self.classes = classes
    self.spacing = spacing
    self.convention = convention
    self.activation = activation
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  /// The signed distance maps of the targets, `[batch, height, width, channels]`. Compute them once where a loop uses
  /// the same targets repeatedly. Channels that do not contribute are 0.
  ///
  /// - Precondition: All maps have one size, and `classes` are channels.
  public func distanceMaps(of targets: [LabelMap], channels: Int, on workers: WorkerPool = .shared) -> Tensor {
    let (height, width) = (targets.first?.height ?? 0, targets.first?.width ?? 0)
    precondition(
      targets.allSatisfy { $0.height == height && $0.width == width }, "all target maps must have the same size")
    let chosen = chosenClasses(channels)
    precondition(chosen.allSatisfy { (0..<channels).contains($0) }, "classes \(chosen) of \(channels) channels")
    var maps = Tensor(zeros: [targets.count, height, width, channels])
    for (image, target) in targets.enumerated() {
      for channel in chosen {
        let isSet = target.labels.map { label in
          label != ignoreLabel && isChannel(channel, of: Int(label), channels: channels)
        }
        let distances = DistanceTransform.signedDistances(
          to: BinaryMask(width: width, height: height, isSet: isSet), spacing: spacing, convention: convention,
          on: workers)
        maps.withMutableElements(of: Float.self) { maps in
          for pixel in distances.indices {
            maps[(image * height * width + pixel) * channels + channel] = Float(distances[pixel])
          }
        }
      }
    }
    return maps
  }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let batch = try makeBatch(logits, targets, workers)
    let maps = targets.isEmpty ? logits : distanceMaps(of: targets, channels: batch.channels, on: workers)
    return try evaluate(batch, maps, gradient: gradient, on: workers)
  }

  /// Evaluates the loss with distance maps from ``distanceMaps(of:channels:on:)``.
  ///
  /// - Throws: ``LossError``: the cases of the form without distance maps, and
  ///   ``LossError/distancesDiffer(logits:distances:)`` if the maps and the logits differ in shape.
  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], distances: Tensor, gradient: Bool = true, on workers: WorkerPool = .shared
  ) throws(LossError) -> LossValue {
    try evaluate(makeBatch(logits, targets, workers), distances, gradient: gradient, on: workers)
  }

  private func chosenClasses(_ channels: Int) -> [Int] {
    classes ?? (channels == 1 ? [0] : Array(1..<max(1, channels)))
  }

  private func activation(_ channels: Int) -> LossActivation { activation ?? (channels == 1 ? .sigmoid : .softmax) }

  private func makeBatch(
    _ logits: Tensor, _ targets: [LabelMap], _ workers: WorkerPool
  ) throws(LossError) -> LossBatch {
    try LossBatch(
      logits, targets, ignoreLabel: ignoreLabel,
      activation: activation(logits.shape.rank == 4 ? logits.shape.channels : 0), on: workers)
  }

  private func evaluate(
    _ batch: LossBatch, _ distances: Tensor, gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let (channels, shape) = (batch.channels, batch.logits.shape)
    guard distances.shape == shape else { throw .distancesDiffer(logits: shape, distances: distances.shape) }
    let probabilities = PixelProbabilities(activation: activation(channels))
    let chosen = chosenClasses(channels)
    let count = batch.labels.count { $0 != LossBatch.ignored } * chosen.count
    let scale = reduction != .mean ? 1 : count > 0 ? 1 / Double(count) : 0
    return distances.withElements(of: Float.self) { distances in
      let sums = batch.forEachPixel(terms: 1, gradient: gradient, on: workers) {
        pixel, _, logits, derivatives, sums in
        probabilities.forward(logits, into: &derivatives)
        let first = pixel * channels
        for channel in 0..<channels { sums[0] += derivatives[channel] * Double(distances[first + channel]) * scale }
        probabilities.backward(logits, &derivatives) { channel, _ in Double(distances[first + channel]) * scale }
        return 0
      }
      var result = LossValue(value: sums.terms.reduce(0, +), gradient: sums.gradient)
      if reduction == .none {
        result.elements =
          batch.forEachPixel(terms: 0, gradient: true, on: workers) {
            pixel, _, logits, derivatives, _ in
            probabilities.forward(logits, into: &derivatives)
            for channel in 0..<channels { derivatives[channel] *= Double(distances[pixel * channels + channel]) }
            return 0
          }.gradient
      }
      return result
    }
  }
}
