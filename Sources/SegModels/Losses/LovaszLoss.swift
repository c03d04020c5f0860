import SegEngine

/// Lovász-softmax loss: the convex extension of the Jaccard loss of each class, over the errors |t − p| of its pixels sorted downwards
/// (Berman et al. 2018).
///
/// For one channel the class is the foreground and the probability a sigmoid. Elements are those of the regions, `[images or 1]`.
public struct LovaszSoftmaxLoss: SegmentationLoss {
  /// Which classes are averaged.
  public enum Classes: Sendable, Hashable, CaseIterable {
    /// Those that occur in the region's truth. The default.
    case present
    /// All.
    case all
  }

  /// Which classes are averaged.
  public var classes: Classes
  /// Whether errors are sorted over the batch or over each image, of which the mean is taken.
  public var region: OverlapOptions.Region
  /// Pixels of this label count for nothing.
  public var ignoreLabel: UInt16?
  /// The mean divides by the number of regions.
  public var reduction: LossReduction

  /// Makes the loss.
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
    // The extension is linear where the order of the errors does not change: the sum of slopes times errors.
    let probabilities = PixelProbabilities(activation: activation)
    let sums = slopes.withElements(of: Float.self) { slopes in
      batch.forEachPixel(terms: 1, gradient: gradient, on: workers) { pixel, label, logits, derivatives, sums in
        LovaszSoftmaxLoss.errors(logits, label: label, activation, into: &derivatives)
        for channel in 0..<channels { sums[0] += Double(slopes[pixel * channels + channel]) * derivatives[channel] }
        probabilities.forward(logits, into: &derivatives)
        probabilities.backward(logits, &derivatives) { channel, _ in
          // ∂|t − p| / ∂p is −1 where the channel is the pixel's, else 1.
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

  /// The channels of which a part of the batch has pixels that count.
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

  /// |t − p| of each pixel and channel, `[batch, height, width, channels]`.
  private static func errors(_ batch: LossBatch, _ activation: LossActivation, _ workers: WorkerPool) -> Tensor {
    let sums = batch.forEachPixel(terms: 0, gradient: true, on: workers) { _, label, logits, derivatives, _ in
      errors(logits, label: label, activation, into: &derivatives)
      return 0
    }
    guard let errors = sums.gradient else { preconditionFailure("they were asked for") }
    return errors
  }

  /// |t − p| of each channel of a pixel; that of a probability near 1 is known as the small number that it is.
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

  /// Writes the derivatives of one class's Lovász extension with respect to the errors, times `share`.
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
      // Errors are not negative, so the order of their bits is theirs; turned round they sort downwards.
      keys.append(UInt64(~errors[pixel * channels + channel].bitPattern) << 32 | UInt64(pixel - range.lowerBound))
    }
    RadixSort.sortByHighHalf(&keys)
    var (lastJaccard, hits) = (0.0, 0)
    slopes.withMutableElements(of: Float.self) { slopes in
      for (rank, key) in keys.enumerated() {
        let pixel = range.lowerBound + Int(key & 0xffff_ffff)
        if isChannel(channel, of: Int(batch.labels[pixel]), channels: channels) { hits += 1 }
        // Of the pixels so far: 1 − |T without them| / |T and them|.
        let jaccard = 1 - Double(total - hits) / Double(total + rank + 1 - hits)
        slopes[pixel * channels + channel] = Float((jaccard - lastJaccard) * share)
        lastJaccard = jaccard
      }
    }
  }
}

/// Sorting in linear time.
enum RadixSort {
  /// Sorts by the upper 32 bits, upwards; equal ones keep their order.
  static func sortByHighHalf(_ keys: inout [UInt64]) {
    var other = keys
    for shift in [32, 43, 54] {
      var starts = [Int](repeating: 0, count: 2049)
      for key in keys { starts[Int(key >> UInt64(shift) & 2047) + 1] += 1 }
      for bin in 1...2048 { starts[bin] += starts[bin - 1] }
      for key in keys {
        let bin = Int(key >> UInt64(shift) & 2047)
        other[starts[bin]] = key
        starts[bin] += 1
      }
      swap(&keys, &other)
    }
  }
}
