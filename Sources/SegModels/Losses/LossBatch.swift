import SegEngine

/// Validated logits and targets, and the loop over their pixels. All losses read logits through this loop.
struct LossBatch {
  let logits: Tensor
  /// The label of each pixel of the batch, row by row; `ignored` for ignored pixels.
  private(set) var labels: [Int32]
  let channels: Int
  /// The number of labels: one per channel, or two for one channel.
  let classes: Int
  let images: Int
  let pixelsPerImage: Int

  static let ignored = Int32(-1)

  init(
    _ logits: Tensor, _ targets: [LabelMap], ignoreLabel: UInt16?, activation: LossActivation, on workers: WorkerPool
  ) throws(LossError) {
    let shape = logits.shape
    guard shape.rank == 4, logits.elementType == .float32, shape.channels > 0 else { throw .notLogits(logits.spec) }
    guard activation == .sigmoid || shape.channels > 1 else { throw .oneChannel }
    guard shape.batch == targets.count else { throw .countsDiffer(batch: shape.batch, targets: targets.count) }
    self.logits = logits
    images = shape.batch
    pixelsPerImage = shape.height * shape.width
    channels = shape.channels
    classes = max(2, shape.channels)
    var labels: [Int32] = []
    labels.reserveCapacity(images * pixelsPerImage)
    for target in targets {
      guard target.height == shape.height, target.width == shape.width else {
        throw .sizesDiffer(
          logits: Extent2D(height: shape.height, width: shape.width),
          target: Extent2D(height: target.height, width: target.width))
      }
      for label in target.labels {
        if label == ignoreLabel {
          labels.append(LossBatch.ignored)
        } else {
          guard label < classes else { throw .unknownLabel(label, classes: classes) }
          labels.append(Int32(label))
        }
      }
    }
    self.labels = labels
    try checkFinite(on: workers)
  }

  /// Throws if the number of weights differs from the number of classes.
  func requireWeights(_ weights: [Double]?) throws(LossError) {
    if let weights, weights.count != classes { throw .weightsDiffer(weights: weights.count, classes: classes) }
  }

  /// A copy of the batch in which all pixels but the marked ones are ignored.
  func keeping(_ isKept: [Bool]) -> LossBatch {
    var result = self
    for pixel in isKept.indices where !isKept[pixel] { result.labels[pixel] = LossBatch.ignored }
    return result
  }

  /// The number of pixels of each label.
  func labelCounts() -> [Int] {
    var counts = [Int](repeating: 0, count: classes)
    for label in labels where label >= 0 { counts[Int(label)] += 1 }
    return counts
  }

  /// The results of a loop over the pixels.
  struct Sums {
    /// The sums of the terms of each image, `[images, terms]`.
    var terms: [Double]
    /// The values returned by the body, `[batch, height, width]`.
    var elements: Tensor?
    /// The derivatives written by the body, `[batch, height, width, channels]`.
    var gradient: Tensor?
  }

  /// Calls `body` for every pixel that is not ignored, and sums `terms` numbers per image. The order of summation is
  /// fixed, so the result does not depend on the number of threads.
  ///
  /// `body` takes the pixel's index in the batch, its label, its logits, a span of `channels` derivatives to write, and
  /// the partial sums to add to. It returns the loss of the pixel.
  @inline(__always)
  func forEachPixel(
    terms: Int, elements wantsElements: Bool = false, gradient wantsGradient: Bool, on workers: WorkerPool,
    _ body: (
      _ pixel: Int, _ label: Int, _ logits: Span<Float>, _ derivatives: inout MutableSpan<Double>,
      _ sums: inout MutableSpan<Double>
    ) -> Double
  ) -> Sums {
    let (channels, pixelsPerImage, shape) = (channels, pixelsPerImage, logits.shape)
    var elements = wantsElements ? Tensor(zeros: Shape(shape.dimensions.dropLast())) : nil
    var gradient = wantsGradient ? Tensor(zeros: shape) : nil
    // Each part lies in one image. The part size limits the number of parts to what one loop of the workers takes.
    let size = max(2048, (images * pixelsPerImage + 16383) / 16384)
    let parts = (pixelsPerImage + size - 1) / size
    var sums = [Double](repeating: 0, count: images * parts * terms)
    var scratch = [Double](repeating: 0, count: workers.threadCount * channels)
    func run(_ elements: UnsafeMutablePointer<Float>?, _ gradient: UnsafeMutablePointer<Float>?) {
      logits.withUnsafeElements(of: Float.self) { logits in
        labels.withUnsafeBufferPointer { labels in
          sums.withUnsafeMutableBufferPointer { sums in
            scratch.withUnsafeMutableBufferPointer { scratch in
              workers.forEach(images * parts) { index, worker in
                let (image, part) = index.quotientAndRemainder(dividingBy: parts)
                let first = image * pixelsPerImage
                var partSums = UnsafeMutableBufferPointer(rebasing: sums[index * terms..<(index + 1) * terms])
                  .mutableSpan
                let own = UnsafeMutableBufferPointer(rebasing: scratch[worker * channels..<(worker + 1) * channels])
                for pixel in first + part * size..<first + min(pixelsPerImage, (part + 1) * size) {
                  let label = labels[pixel]
                  if label == LossBatch.ignored { continue }
                  let row = UnsafeBufferPointer(rebasing: logits[pixel * channels..<(pixel + 1) * channels])
                  var derivatives = own.mutableSpan
                  let value = body(pixel, Int(label), row.span, &derivatives, &partSums)
                  if let elements { elements[pixel] = Float(value) }
                  if let gradient {
                    for channel in 0..<channels { gradient[pixel * channels + channel] = Float(own[channel]) }
                  }
                }
              }
            }
          }
        }
      }
    }
    LossBatch.withOptionalElements(&elements) { elements in
      LossBatch.withOptionalElements(&gradient) { gradient in run(elements, gradient) }
    }
    var totals = [Double](repeating: 0, count: images * terms)
    for image in 0..<images {
      for part in 0..<parts {
        for term in 0..<terms { totals[image * terms + term] += sums[(image * parts + part) * terms + term] }
      }
    }
    return Sums(terms: totals, elements: elements, gradient: gradient)
  }

  private static func withOptionalElements(_ tensor: inout Tensor?, _ body: (UnsafeMutablePointer<Float>?) -> Void) {
    if tensor == nil {
      body(nil)
    } else {
      tensor!.withUnsafeMutableElements(of: Float.self) { body($0.baseAddress) }
    }
  }

  private func checkFinite(on workers: WorkerPool) throws(LossError) {
    let first: Int? = logits.withUnsafeElements(of: Float.self) { values in
      // x − x is 0 for a finite number and NaN otherwise, so one sum per row detects non-finite logits.
      var isBad = [Bool](repeating: false, count: images)
      isBad.withUnsafeMutableBufferPointer { isBad in
        let count = pixelsPerImage * channels
        workers.forEach(images) { image, _ in
          var sum: Float = 0
          for index in image * count..<(image + 1) * count { sum += values[index] - values[index] }
          isBad[image] = sum != 0
        }
      }
      return isBad.contains(true) ? values.firstIndex { !$0.isFinite } : nil
    }
    guard let first else { return }
    var (rest, index) = (first, [Int]())
    for stride in logits.shape.strides {
      index.append(rest / stride)
      rest %= stride
    }
    throw .notFinite(logits.withUnsafeElements(of: Float.self) { $0[first] }, index: index)
  }
}
