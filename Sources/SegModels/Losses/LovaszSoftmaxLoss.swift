import SegEngine

/// Lovász-softmax loss: the Lovász extension of the Jaccard loss of each class, applied to the errors |t − p| of its
/// pixels in descending order (Berman et al. 2018).
///
/// With one channel the only class is the foreground, with a sigmoid. Elements are the losses of the regions,
/// `[images]` or `[1]`.
public struct LovaszSoftmaxLoss: SegmentationLoss {
  /// The classes to average over.
  public enum Classes: Sendable, Hashable, CaseIterable {
    /// The classes that occur in the ground truth of the region. The default.
    case present
    /// All classes.
    case all
  }

  /// The classes to average over.
  public var classes: Classes
  /// Whether errors are sorted over the whole batch, or for each image with the mean over the images.
  public var region: OverlapOptions.Region
  /// Pixels of this label are ignored.
  public var ignoreLabel: UInt16?
  /// The mean divides by the number of regions.
  public var reduction: LossReduction

  /// Creates the loss.
  public init(
    classes: Classes = .present, region: OverlapOptions.Region = .batch,
    ignoreLabel: UInt16? = LabelMap.defaultIgnoreLabel, reduction: LossReduction = .mean
  ) {
    self.classes = classes
    self.region = region
    self.ignoreLabel = ignoreLabel
    self.reduction = reduction
  }

  public func evaluate(
    _ logits: Tensor, _ targets: [LabelMap], gradient: Bool, on workers: WorkerPool
  ) throws(LossError) -> LossValue {
    let channels = logits.shape.rank == 4 ? logits.shape.channels : 0
    let activation: LossActivation = channels == 1 ? .sigmoid : .softmax
    let batch = try LossBatch(logits, targets, ignoreLabel: ignoreLabel, activation: activation, on: workers)
    let regions = region == .image ? batch.images : min(1, batch.images)
    let pixels = regions == 0 ? 0 : batch.images * batch.pixelsPerImage / regions
    let scale = reduction == .mean && regions > 0 ? 1 / Double(regions) : 1
    let errors = LovaszSoftmaxLoss.errors(batch, activation, workers)
    var slopes = Tensor(zeros: logits.shape)
    for region in 0..<regions {
      let range = region * pixels..<(region + 1) * pixels
      let averaged = classes == .all ? Array(0..<channels) : LovaszSoftmaxLoss.presentChannels(range, of: batch)
      errors.withElements(of: Float.self) { errors in
        for channel in averaged {
          LovaszSoftmaxLoss.addSlopes(
            errors, batch, range, channel: channel, share: scale / Double(averaged.count), to: &slopes)
        }
      }
    }
    // The extension is linear as long as the order of the errors does not change: it is the sum of slopes times errors.
    let probabilities = PixelProbabilities(activation: activation)
    let sums = slopes.withElements(of: Float.self) { slopes in
      batch.forEachPixel(terms: 1, gradient: gradient, on: workers) { pixel, label, logits, derivatives, sums in
        LovaszSoftmaxLoss.errors(logits, label: label, activation, into: &derivatives)
        for channel in 0..<channels { sums[0] += Double(slopes[pixel * channels + channel]) * derivatives[channel] }
        probabilities.forward(logits, into: &derivatives)
        probabilities.backward(logits, &derivatives) { channel, _ in
          // ∂|t − p| / ∂p is −1 for the channel of the pixel's label, else 1.
          let slope = Double(slopes[pixel * channels + channel])
          return isChannel(channel, of: label, channels: channels) ? -slope : slope
        }
        return 0
      }
    }
    var result = LossValue(value: sums.terms.reduce(0, +), gradient: sums.gradient)
    if reduction == .none {
      let values = region == .image ? sums.terms : [result.value]
      result.elements = Tensor([regions], values.prefix(regions).map { Float($0) })
    }
    return result
  }

  /// The channels whose class occurs among the pixels of a range that are not ignored.
  private static func presentChannels(_ range: Range<Int>, of batch: LossBatch) -> [Int] {
    var occurs = [Bool](repeating: false, count: batch.channels)
    for pixel in range {
      let label = Int(batch.labels[pixel])
      if batch.channels == 1 {
        if label > 0 { occurs[0] = true }
      } else if label >= 0 {
        occurs[label] = true
      }
    }
    return occurs.indices.filter { occurs[$0] }
  }

  /// t − p| of each pixel and channel, `[batch, height, width, channels]`.
  private static func errors(_ batch: LossBatch, _ activation: LossActivation, _ workers: WorkerPool) -> Tensor {
    let sums = batch.forEachPixel(terms: 0, gradient: true, on: workers) { _, label, logits, derivatives, _ in
      errors(logits, label: label, activation, into: &derivatives)
      return 0
    }
    guard let errors = sums.gradient else { preconditionFailure("the gradient was requested") }
    return errors
  }

  /// t − p| of each channel of a pixel, computed without cancellation for probabilities near 1.
  @inline(__always)
  private static func errors(
    _ logits: Span<Float>, label: Int, _ activation: LossActivation, into errors: inout MutableSpan<Double>
  ) {
    switch activation {
    case .softmax:
      let softmax = PixelSoftmax(logits, into: &errors)
      errors[label] = softmax.complement(label, errors[label])
    case .sigmoid:
      for channel in 0..<logits.count {
        let sigmoid = PixelSigmoid(logits[channel])
        errors[channel] =
          isChannel(channel, of: label, channels: logits.count) ? sigmoid.complement : sigmoid.probability
      }
    }
  }

  /// Adds the derivatives of the Lovász extension of one class with respect to the errors, times `share`.
  private static func addSlopes(
    _ errors: Span<Float>, _ batch: LossBatch, _ range: Range<Int>, channel: Int, share: Double, to slopes: inout Tensor
  ) {
    let channels = batch.channels
    var keys: [UInt64] = []
    var total = 0
    for pixel in range {
      let label = batch.labels[pixel]
      if label == LossBatch.ignored { continue }
      if isChannel(channel, of: Int(label), channels: channels) { total += 1 }
      // For non-negative floats the order of the bit patterns is the order of the values. Inverted bits sort in
      // descending order.
      keys.append(UInt64(~errors[pixel * channels + channel].bitPattern) << 32 | UInt64(pixel - range.lowerBound))
    }
    RadixSort.sortByHighHalf(&keys)
    var (lastJaccard, hits) = (0.0, 0)
    slopes.withMutableElements(of: Float.self) { slopes in
      for (rank, key) in keys.enumerated() {
        let pixel = range.lowerBound + Int(key & 0xffff_ffff)
        if isChannel(channel, of: Int(batch.labels[pixel]), channels: channels) { hits += 1 }
        // With T the true pixels and S the first `rank` + 1 pixels: 1 − |T \ S| / |T ∪ S|.
        let jaccard = 1 - Double(total - hits) / Double(total + rank + 1 - hits)
        slopes[pixel * channels + channel] = Float((jaccard - lastJaccard) * share)
        lastJaccard = jaccard
      }
    }
  }
}
