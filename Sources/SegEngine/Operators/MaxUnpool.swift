/// Max unpooling: writes each value to the index from which a max pooling took it, and zeros elsewhere (the decoder of SegNet,
/// Badrinarayanan et al. 2017).
///
/// Inputs: x `[batch, height, width, channels]`; indices, int32 of the same shape, row · outWidth + column in the output's plane; and for
/// ``Target/like`` a feature map of which only the shape is used. Output: `[batch, outHeight, outWidth, channels]`. If two values have the
/// same index, the later pixel wins; a value whose index is outside the output is dropped. Exact.
public struct MaxUnpool: Operator {
  public static let name = "MaxUnpool"

  /// The height and width of the output.
  public enum Target: Hashable, Sendable {
    /// The given size.
    case size(Extent2D)
    /// The smallest size that a pooling of this geometry reduces to the input's: (in − 1) · stride − padding + kernel.
    case geometry(ConvolutionGeometry)
    /// The size of input 2, usually the map that was pooled.
    case like
  }

  /// The height and width of the output.
  public let target: Target

  /// Makes the operator.
  public init(to target: Target) { self.target = target }

  public var attributes: String {
    switch target {
    case .size(let size): "to \(size.height)×\(size.width)"
    case .geometry(let geometry): "\(geometry)"
    case .like: ""
    }
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, target == .like ? 3...3 : 2...2)
    try requireFeatureMap(inputs[0])
    let x = inputs[0].shape
    try require(
      inputs[1] == TensorSpec(x, .int32), "the indices of \(inputs[0]) are int32 \(x), not \(inputs[1])")
    let size: Extent2D
    switch target {
    case .size(let wanted): size = wanted
    case .geometry(let geometry): size = geometry.transposedOutputSize(of: Extent2D(height: x.height, width: x.width))
    case .like:
      try require(inputs[2].shape.rank == 4, "\(x) cannot be unpooled like \(inputs[2].shape), which is no feature map")
      size = Extent2D(height: inputs[2].shape.height, width: inputs[2].shape.width)
    }
    try require(size.height > 0 && size.width > 0, "\(x) cannot be unpooled to \(size.height)×\(size.width)")
    return [TensorSpec(try shape([x.batch, size.height, size.width, x.channels]))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(reading: Array(inputs.prefix(2)), writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    // Each worker writes its own channels of an image, so no two workers write the same element. Sixteen floats are a cache line.
    let chunk = 16
    return PreparedOperator { context in
      let (x, indices, y) = (context.input(0), context.input(1), context.output())
      let places = indices.pointer(to: Int32.self)
      let channels = x.shape.channels
      let chunks = (channels + chunk - 1) / chunk
      let inputPixels = x.shape.height * x.shape.width
      let outputPixels = y.shape.height * y.shape.width
      context.workers.forEachRange(x.shape.batch * chunks, grain: 1) { range, _ in
        for index in range {
          let (image, part) = index.quotientAndRemainder(dividingBy: chunks)
          let first = part * chunk
          let count = min(chunk, channels - first)
          let target = y.floats + image * outputPixels * y.rowStride + first
          for pixel in 0..<outputPixels { (target + pixel * y.rowStride).update(repeating: 0, count: count) }
          for pixel in 0..<inputPixels {
            let row = image * inputPixels + pixel
            let value = x.floats + row * x.rowStride + first
            let place = places + row * indices.rowStride + first
            for c in 0..<count where place[c] >= 0 && Int(place[c]) < outputPixels {
              target[Int(place[c]) * y.rowStride + c] = value[c]
            }
          }
        }
      }
    }
  }
}

extension Value {
  /// Writes each value to its index in a plane of the given size.
  public func maxUnpool(
    _ indices: Value, to size: Extent2D, named name: String = "maxUnpool", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(MaxUnpool(to: .size(size)), named: name, with: [indices], file: file, line: line)
  }

  /// Writes each value to its index in a plane of the height and width of `other`.
  public func maxUnpool(
    _ indices: Value, like other: Value, named name: String = "maxUnpool", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(MaxUnpool(to: .like), named: name, with: [indices, other], file: file, line: line)
  }

  /// Writes each value to its index in a plane of the smallest size that a pooling of this geometry reduces to this map's.
  public func maxUnpool(
    _ indices: Value, kernel: Extent2D, stride: Extent2D? = nil, padding: Padding2D = 0,
    named name: String = "maxUnpool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(kernel: kernel, stride: stride ?? kernel, padding: padding)
    return apply(MaxUnpool(to: .geometry(geometry)), named: name, with: [indices], file: file, line: line)
  }
}

extension MaxUnpool {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard index == 0 else { return .none }
    // The output index depends on the pooling. Windows that do not overlap write within their own area.
    func axis(_ from: Int, _ to: Int) -> AxisReach {
      let factor = max(1, to / max(1, from))
      return .spread(stride: factor, first: 0, step: 1, count: factor, of: from)
    }
    let (x, y) = (inputs[0].mapExtent, outputs[0].mapExtent)
    return .axes(height: axis(x.height, y.height), width: axis(x.width, y.width))
  }
}

extension MaxUnpool: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    context.only(
      context.outputGradient.apply(MaxUnpoolGradient(), named: "input", with: [context.inputs[1]]))
  }
}
