/// The mean of each window of pixels, per channel.
///
/// Input: x `[batch, height, width, channels]`. Output: `[batch, outHeight, outWidth, channels]`, extents by
/// ``ConvolutionGeometry/outputSize(of:roundingUp:)``. The sum over the pixels inside the image is divided by the number of taps inside the
/// padded image (``countingPadding``, PyTorch's default) or inside the image. Tested to 1e-6 of the mean of |x|: some dozens of additions
/// in float32.
public struct AveragePool: Operator {
  public static let name = "AveragePool"

  /// Kernel, stride, dilation and padding.
  public let geometry: ConvolutionGeometry
  /// Whether a last window that extends beyond the padded image gives an output (`ceil_mode`).
  public let roundingUp: Bool
  /// Whether padding counts as zeros in the mean (`count_include_pad`).
  public let countingPadding: Bool

  /// Makes the operator.
  ///
  /// - Precondition: the geometry has one group.
  public init(_ geometry: ConvolutionGeometry, roundingUp: Bool = false, countingPadding: Bool = true) {
    precondition(geometry.groups == 1, "pooling has no groups")
    self.geometry = geometry
    self.roundingUp = roundingUp
    self.countingPadding = countingPadding
  }

  public var attributes: String {
    "\(geometry)" + (roundingUp ? " rounding up" : "") + (countingPadding ? "" : " without padding")
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 1...1)
    return [TensorSpec(try pooledShape(inputs[0], geometry, roundingUp: roundingUp))]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(
      otherOperations: outputs[0].shape.elementCount * (geometry.kernel.height * geometry.kernel.width + 1),
      reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (geometry, countingPadding) = (geometry, countingPadding)
    return PreparedOperator { context in
      let (y, device) = (context.output(), context.device)
      SlidingWindow.forEachRow(of: y, from: context.input(0), geometry, over: device.workers) {
        window, image, outputRow, pixel in
        device.kernels.averagePool(
          window, image: image, outputRow: outputRow, channels: y.shape.channels, countingPadding: countingPadding,
          y.floats + pixel * y.rowStride, yStride: y.rowStride)
      }
    }
  }
}

extension AveragePool: PaddingAbsorbing {
  /// Returns the operator with the given zeros as padding. Zeros of the image count in the mean, those of the padding only if
  /// ``countingPadding``.
  public func absorbing(_ padding: Padding2D) -> (any Operator)? {
    // With rounding up, a last window may begin in zeros of the image, but not in padding.
    guard !roundingUp, countingPadding || geometry.padding == 0 else { return nil }
    var geometry = geometry
    geometry.padding = geometry.padding + padding
    return AveragePool(geometry, countingPadding: true)
  }
}

extension Value {
  /// Computes the mean of each window; `stride` is by default the kernel's extent.
  public func averagePool(
    kernel: Extent2D, stride: Extent2D? = nil, padding: Padding2D = 0, roundingUp: Bool = false,
    countingPadding: Bool = true, named name: String = "averagePool", file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(kernel: kernel, stride: stride ?? kernel, padding: padding)
    return apply(
      AveragePool(geometry, roundingUp: roundingUp, countingPadding: countingPadding), named: name, file: file,
      line: line)
  }
}

extension AveragePool {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    geometry.windowReach(of: inputs[0])
  }
}

extension AveragePool: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].properties
    var y = ValueProperties(
      range: countingPadding ? x.range.hull(ValueRange(0)) : x.range, axes: .following(inputs, to: outputs[0]))
    if !countingPadding || geometry.padding == 0, x.unitSumAxis == 3 { y.unitSumAxis = 3 }
    return [y]
  }
}

extension AveragePool: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    let (kernel, padding) = (geometry.kernel, geometry.padding)
    /// The pixels of each window along one axis, and their share in the mean.
    func taps(
      _ input: Int, _ output: Int, kernel: Int, stride: Int, dilation: Int, before: Int, after: Int
    ) -> Resize.Taps {
      var taps = Resize.Taps(taps: kernel)
      for index in 0..<output {
        let positions = (0..<kernel).map { index * stride - before + $0 * dilation }
        let inside = positions.filter { $0 >= 0 && $0 < input }
        let counted = countingPadding ? positions.filter { $0 < input + after }.count : inside.count
        taps.indices.append(inside)
        taps.weights.append(inside.map { _ in 1 / Float(max(1, counted)) })
      }
      return taps
    }
    let rows = taps(
      x.height, y.height, kernel: kernel.height, stride: geometry.stride.height, dilation: geometry.dilation.height,
      before: padding.top, after: padding.bottom)
    let columns = taps(
      x.width, y.width, kernel: kernel.width, stride: geometry.stride.width, dilation: geometry.dilation.width,
      before: padding.left, after: padding.right)
    return context.only(context.outputGradient.resamplingGradient(rows: rows, columns: columns, like: x))
  }
}
