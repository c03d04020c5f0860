/// Which pixels of an input an output pixel of an operator is computed from.
public enum SpatialReach: Sendable {
  /// None: the input's shape alone is read.
  case none
  /// Those of a rectangle, each axis by itself.
  case axes(height: AxisReach, width: AxisReach)

  /// Every pixel of the input.
  static func everything(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(height: .all(of: extent.height), width: .all(of: extent.width))
  }

  /// The pixel at the same place.
  static func samePixel(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(height: .shifted(by: 0, of: extent.height), width: .shifted(by: 0, of: extent.width))
  }

  /// What operators do that say nothing else: along an axis whose extents are equal an output sees the pixel at its own place, an
  /// extent of 1 is seen by all, otherwise all is seen. What is no feature map is one pixel.
  static func byExtents(input: TensorSpec, output: TensorSpec) -> SpatialReach {
    let (from, to) = (input.mapExtent, output.mapExtent)
    func axis(_ from: Int, _ to: Int) -> AxisReach { from == to ? .shifted(by: 0, of: from) : .all(of: from) }
    guard input.shape.rank == 4, output.shape.rank == 4 else { return .everything(of: input) }
    return .axes(height: axis(from.height, to.height), width: axis(from.width, to.width))
  }
}

extension TensorSpec {
  /// Height and width of a feature map `[batch, height, width, channels]`; anything else is one pixel.
  var mapExtent: Extent2D { shape.rank == 4 ? Extent2D(shape.height, shape.width) : 1 }
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

  /// The windows of its transpose.
  func spreadReach(of input: TensorSpec) -> SpatialReach {
    let extent = input.mapExtent
    return .axes(
      height: .spread(
        stride: stride.height, first: -padding.top, step: dilation.height, count: kernel.height, of: extent.height),
      width: .spread(
        stride: stride.width, first: -padding.left, step: dilation.width, count: kernel.width, of: extent.width))
  }
}
