/// The maximum of each window of pixels, per channel.
///
/// Input: x `[batch, height, width, channels]`. Output 0: `[batch, outHeight, outWidth, channels]`, extents by
/// ``ConvolutionGeometry/outputSize(of:roundingUp:)``. Output 1, optional: the index of each first maximum, as int32 row · width + column
/// in the input's plane, for ``MaxUnpool``; PyTorch's `return_indices` in NHWC.
///
/// Padding is never the maximum; a window that covers only padding gives −∞. NaN counts as the largest. Exact.
public struct MaxPool: Operator, Hashable {
  public static let name = "MaxPool"

  /// Kernel, stride, dilation and padding.
  public let geometry: ConvolutionGeometry
  /// Whether a last window that extends beyond the padded image gives an output (`ceil_mode`).
  public let roundingUp: Bool
  /// Whether output 1 exists.
  public let givesIndices: Bool

  /// Makes the operator.
  ///
  /// - Precondition: the geometry has one group.
  public init(_ geometry: ConvolutionGeometry, roundingUp: Bool = false, givesIndices: Bool = false) {
    precondition(geometry.groups == 1, "pooling has no groups")
    self.geometry = geometry
    self.roundingUp = roundingUp
    self.givesIndices = givesIndices
  }

  public var attributes: String {
    "\(geometry)" + (roundingUp ? " rounding up" : "") + (givesIndices ? " with indices" : "")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    let shape = try pooledShape(inputs[0], geometry, roundingUp: roundingUp)
    try require(
      !givesIndices || inputs[0].shape.height * inputs[0].shape.width <= Int32.max,
      "the pixels of \(inputs[0].shape) are too many for int32 indices")
    return [TensorSpec(shape)] + (givesIndices ? [TensorSpec(shape, .int32)] : [])
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: outputs[0].shape.elementCount * geometry.kernel.height * geometry.kernel.width, reading: inputs,
      writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    PreparedOperator { context in
      run(context.input(0), context.output(), indices: givesIndices ? context.output(1) : nil, on: context.device)
    }
  }

  /// Computes the maxima of a feature map, and optionally their indices.
  func run(_ x: TensorView, _ y: MutableTensorView, indices: MutableTensorView? = nil, on device: ComputeDevice) {
    SlidingWindow.forEachRow(of: y, from: x, geometry, over: device.workers) { window, image, outputRow, pixel in
      device.kernels.maxPool(
        window, image: image, outputRow: outputRow, channels: y.shape.channels, y.floats + pixel * y.rowStride,
        yStride: y.rowStride, indices: indices.map { $0.pointer(to: Int32.self) + pixel * $0.rowStride },
        indexStride: indices?.rowStride ?? 0)
    }
  }
}

extension Value {
  /// Computes the maximum of each window; `stride` is by default the kernel's extent.
  public func maxPool(
    kernel: Extent2D, stride: Extent2D? = nil, padding: Padding2D = 0, dilation: Extent2D = 1, roundingUp: Bool = false,
    named name: String = "maxPool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(kernel: kernel, stride: stride ?? kernel, dilation: dilation, padding: padding)
    return apply(MaxPool(geometry, roundingUp: roundingUp), named: name, file: file, line: line)
  }

  /// Computes the maximum of each window and its index in the plane, for ``maxUnpool(_:to:named:file:line:)``.
  public func maxPoolWithIndices(
    kernel: Extent2D, stride: Extent2D? = nil, padding: Padding2D = 0, dilation: Extent2D = 1, roundingUp: Bool = false,
    named name: String = "maxPool", file: StaticString = #fileID, line: UInt = #line
  ) -> (values: Value, indices: Value) {
    let geometry = ConvolutionGeometry(kernel: kernel, stride: stride ?? kernel, dilation: dilation, padding: padding)
    let results = graph.add(
      MaxPool(geometry, roundingUp: roundingUp, givesIndices: true), named: name, to: [self], outputCount: 2,
      file: file,
      line: line)
    return (results[0], results[1])
  }
}

extension MaxPool {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    geometry.windowReach(of: inputs[0])
  }
}

extension MaxPool: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    var y = inputs[0].properties
    y.axes = .following(inputs, to: outputs[0])
    (y.unitSumAxis, y.relation) = (nil, nil)
    return [y] + outputs.dropFirst().map(ValueProperties.unknown)
  }
}

extension MaxPool: ElementSelecting {
  /// Returns the pooled map, unless indices are an output too.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] { outputs.count == 1 ? [0] : [] }
}

extension MaxPool: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    guard let dy = context.outputGradients[0] else { return [nil] }
    return context.only(dy.apply(MaxPoolGradient(self), named: "input", with: [context.inputs[0]]))
  }
}
