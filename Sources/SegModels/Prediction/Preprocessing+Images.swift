import SegEngine

extension Preprocessing {
  /// The network's input for an image, float32 `[1, height, width, channels]`, and the position of the image within it.
  ///
  /// - Parameters:
  ///   - image: The image.
  ///   - workers: The threads to split the rows over.
  /// - Throws: ``PredictionError/tooFewBands(image:network:)`` if the network takes more samples per pixel than the
  ///   image has, ``PredictionError/preprocessing(_:)`` if the preprocessing is invalid.
  public func callAsFunction(
    _ image: Image, on workers: WorkerPool = .shared
  ) throws(PredictionError) -> (tensor: Tensor, placement: Placement) {
    let (placement, selection) = try prepare(Extent2D(height: image.height, width: image.width), image.layout)
    func prepared<Stored: ImageSample>(_ samples: [Stored]) -> Tensor {
      samples.withUnsafeBufferPointer { samples in
        tensor(ChannelRows(samples.baseAddress!, of: image, selection), white: image.white, placement, on: workers)
      }
    }
    let input =
      switch image.samples {
      case .uint8(let samples): prepared(samples)
      case .uint16(let samples): prepared(samples)
      case .float32(let samples): prepared(samples)
      }
    return (input, placement)
  }

  /// The network's input for 8-bit pixels in a buffer, which are read where they lie, and the position of the image
  /// within it; as for an image with these pixels.
  ///
  /// - Parameters:
  ///   - pixels: The buffer, starting with the first pixel.
  ///   - layout: The size and order of the pixels.
  ///   - workers: The threads to split the rows over.
  /// - Precondition: The buffer contains all rows.
  /// - Throws: ``PredictionError/tooFewBands(image:network:)`` if the network takes more samples per pixel than the
  ///   image has, ``PredictionError/preprocessing(_:)`` if the preprocessing is invalid.
  public func callAsFunction(
    _ pixels: RawSpan, layout: PixelLayout, on workers: WorkerPool = .shared
  ) throws(PredictionError) -> (tensor: Tensor, placement: Placement) {
    layout.checkContains(pixels)
    let size = Extent2D(height: layout.height, width: layout.width)
    let (placement, selection) = try prepare(size, layout.order.layout)
    let input = pixels.withUnsafeBytes { bytes in
      bytes.withMemoryRebound(to: UInt8.self) { samples in
        tensor(
          ChannelRows(
            samples.baseAddress!, size, pixelStride: layout.order.count, rowStride: layout.bytesPerRow,
            selection.from(layout.order.offsets)), white: 255, placement, on: workers)
      }
    }
    return (input, placement)
  }

  private func prepare(
    _ size: Extent2D, _ layout: Image.ChannelLayout
  ) throws(PredictionError) -> (Placement, ChannelSelection) {
    try validate()
    return (Placement(of: size, fit: fit), try ChannelSelection(channels, of: layout))
  }

  /// A prepared image, converted to the network's ``elementType``.
  func networkInput(_ prepared: Tensor) -> Tensor {
    func rounded<Element: TensorElement & FixedWidthInteger>(_ type: Element.Type) -> Tensor {
      Tensor(
        prepared.shape,
        prepared.elements(of: Float.self).map { value in
          Element(exactly: value.rounded()) ?? (value > 0 ? Element.max : Element.min)
        })
    }
    return switch elementType {
    case .float32: prepared
    case .uint8: rounded(UInt8.self)
    case .uint16: rounded(UInt16.self)
    case .int32: rounded(Int32.self)
    case .int64: rounded(Int64.self)
    }
  }

  private func tensor<Stored: ImageSample>(
    _ rows: ChannelRows<Stored>, white: Float, _ placement: Placement, on workers: WorkerPool
  ) -> Tensor {
    let (size, content) = (placement.networkSize, placement.content)
    let image = ImageResampling(
      rows, to: Extent2D(height: content.height, width: content.width), by: resampling)
    let normalization = SampleNormalization(self, width: content.width)
    var tensor = Tensor(uninitialized: [1, size.height, size.width, channels.count])
    tensor.withUnsafeMutableElements(of: Float.self) { elements in
      let elements = elements.baseAddress!
      pad(elements, placement, with: normalization.padding, on: workers)
      let rowCount = content.width * channels.count
      let grain = max(1, 65536 / max(1, image.work))
      func row(_ y: Int) -> UnsafeMutablePointer<Float> {
        elements + ((content.top + y) * size.width + content.left) * channels.count
      }
      /// Calls `body` with the samples of each resized row, the row index and the worker.
      func forEachRow(_ body: (_ samples: UnsafePointer<Stored.Working>, _ y: Int, _ worker: Int) -> Void) {
        workers.forEachRange(content.height, grain: grain) { range, worker in
          var rows = ResampledRows(image, from: range.lowerBound)
          withUnsafeTemporaryAllocation(of: Stored.Working.self, capacity: rowCount) { samples in
            samples.initialize(repeating: 0)
            for y in range {
              rows.next(into: samples.baseAddress!)
              body(samples.baseAddress!, y, worker)
            }
          }
        }
      }
      guard range.dependsOnImage else {
        // Integer samples times 255 are exact in Float.
        let factor: Float = range == .unscaled ? 255 : 1
        forEachRow { samples, y, _ in
          let target = row(y)
          for index in 0..<rowCount { target[index] = samples[index].float * factor }
          normalization.apply(to: target, count: rowCount, unit: white)
        }
        return
      }
      // Extremes are known only after all rows are resized, so the rows are stored first and normalised in place.
      let isClipped = range == .percentiles
      let extremes = [ImageExtremes](unsafeUninitializedCapacity: workers.threadCount) { extremes, count in
        extremes.initialize(repeating: ImageExtremes())
        count = workers.threadCount
        let extremes = extremes.baseAddress!
        forEachRow { samples, y, worker in
          let target = row(y)
          var own = extremes[worker]
          for index in 0..<rowCount {
            let value = samples[index].float
            own.include(value)
            target[index] = value
          }
          extremes[worker] = own
        }
      }.reduce(ImageExtremes()) { $0.joined(with: $1) }
      let (low, unit): (Float, Float)
      if isClipped {
        var histogram = ImageHistogram(extremes)
        for y in 0..<content.height { histogram.add(UnsafeBufferPointer(start: row(y), count: rowCount)) }
        (low, unit) = histogram.interval(0.001...0.999)
      } else {
        (low, unit) = (0, extremes.largest > 0 ? extremes.largest : 1)
      }
      workers.forEachRange(content.height, grain: max(1, 16384 / max(1, rowCount))) { range, _ in
        for y in range {
          let target = row(y)
          if isClipped {
            for index in 0..<rowCount { target[index] = min(max(target[index] - low, 0), unit) }
          }
          normalization.apply(to: target, count: rowCount, unit: unit)
        }
      }
    }
    return tensor
  }

  /// Writes the padding around the image.
  private func pad(
    _ elements: UnsafeMutablePointer<Float>, _ placement: Placement, with padding: [Float], on workers: WorkerPool
  ) {
    let (size, content, count) = (placement.networkSize, placement.content, padding.count)
    let (left, right) = (content.left, content.left + content.width)
    guard content.height < size.height || content.width < size.width else { return }
    padding.withUnsafeBufferPointer { padding in
      workers.forEachRange(size.height, grain: max(1, 65536 / (size.width * count))) { range, _ in
        for y in range {
          let row = elements + y * size.width * count
          func fill(_ columns: Swift.Range<Int>) {
            for column in columns {
              for channel in 0..<count { row[column * count + channel] = padding[channel] }
            }
          }
          if (content.top..<content.top + content.height).contains(y) {
            fill(0..<left)
            fill(right..<size.width)
          } else {
            fill(0..<size.width)
          }
        }
      }
    }
  }
}

/// Mean and deviation as a factor and a summand for each sample of a whole row, so that the inner loops do not depend
/// on the number of channels.
private struct SampleNormalization {
  private let scale, shift: [Float]
  /// The normalised padding value of each channel.
  let padding: [Float]

  init(_ preprocessing: Preprocessing, width: Int) {
    let (mean, deviation, count) = (preprocessing.mean, preprocessing.deviation, preprocessing.channels.count)
    let scale = (0..<count).map { 1 / deviation[min($0, deviation.count - 1)] }
    let shift = (0..<count).map { -mean[min($0, mean.count - 1)] * scale[$0] }
    padding = (0..<count).map { preprocessing.fill * scale[$0] + shift[$0] }
    self.scale = (0..<width).flatMap { _ in scale }
    self.shift = (0..<width).flatMap { _ in shift }
  }

  /// Normalises the samples of a row. `unit` is the sample value that is scaled to 1.
  func apply(to row: UnsafeMutablePointer<Float>, count: Int, unit: Float) {
    scale.withUnsafeBufferPointer { scale in
      shift.withUnsafeBufferPointer { shift in
        let (scale, shift) = (scale.baseAddress!, shift.baseAddress!)
        for index in 0..<count { row[index] = row[index] / unit * scale[index] + shift[index] }
      }
    }
  }
}
