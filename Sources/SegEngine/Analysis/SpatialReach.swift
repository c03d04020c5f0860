/// The pixels of an input that an output pixel of an operator is computed from.
public enum SpatialReach: Sendable {
  /// No pixels: only the shape of the input is read.
  case none
  /// A rectangle of pixels, with independent axes.
  case axes(height: AxisReach, width: AxisReach)

  /// Every pixel of the input.
  static func everything(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(height: .all(of: extent.height), width: .all(of: extent.width))
  }

  /// The pixel at the same position.
  static func samePixel(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(height: .shifted(by: 0, of: extent.height), width: .shifted(by: 0, of: extent.width))
  }

  /// The default for operators. Along an axis with equal extents an output reads the pixel at its own position;
  /// otherwise it reads the whole axis, which for extent 1 is one pixel. A value that is not a feature map is treated
  /// as one pixel.
  static func byExtents(input: TensorSpec, output: TensorSpec) -> SpatialReach {
    let (from, to) = (input.mapExtent, output.mapExtent)
    func axis(_ from: Int, _ to: Int) -> AxisReach { from == to ? .shifted(by: 0, of: from) : .all(of: from) }
    guard input.shape.rank == 4, output.shape.rank == 4 else { return .everything(of: input) }
    return .axes(height: axis(from.height, to.height), width: axis(from.width, to.width))
  }
}

extension TensorSpec {
  /// Height and width of a feature map `[batch, height, width, channels]`; 1×1 for other values.
  var mapExtent: Extent2D { shape.rank == 4 ? Extent2D(height: shape.height, width: shape.width) : 1 }
}

extension ConvolutionGeometry {
  /// The windows of a convolution or pooling on a map.
  func windowReach(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(
      height: .window(
        stride: stride.height, first: -padding.top, step: dilation.height, count: kernel.height, of: extent.height),
      width: .window(
        stride: stride.width, first: -padding.left, step: dilation.width, count: kernel.width, of: extent.width))
  }

  /// The windows of a transposed convolution.
  func spreadReach(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(
      height: .spread(
        stride: stride.height, first: -padding.top, step: dilation.height, count: kernel.height, of: extent.height),
      width: .spread(
        stride: stride.width, first: -padding.left, step: dilation.width, count: kernel.width, of: extent.width))
  }
}
