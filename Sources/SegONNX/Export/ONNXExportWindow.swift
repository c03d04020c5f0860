import SegEngine

/// The map `[batch, channels, height, width]` that the window of a node slides over, with the window's geometry.
struct ONNXExportWindow {
  private let step: ONNXExportStep
  /// The map's name.
  private(set) var map: String
  /// The window. Its padding is not negative.
  private(set) var geometry: ConvolutionGeometry
  private var size: Extent2D

  /// Takes operand 0 of an operator. Negative padding crops the map before.
  init(_ geometry: ConvolutionGeometry, _ step: ONNXExportStep) {
    self.step = step
    self.geometry = geometry
    map = step.map()
    let x = step.input(0).shape
    size = Extent2D(height: x.height, width: x.width)
    if !geometry.padding.isPadding { pad(geometry.padding.mapValues { min($0, 0) }) }
  }

  /// Adds a part of the geometry's padding to the map.
  mutating func pad(_ padding: Padding2D) {
    map = step.padded(map, padding)
    size.height += padding.top + padding.bottom
    size.width += padding.left + padding.right
    let whole = geometry.padding
    geometry.padding = Padding2D(
      top: whole.top - padding.top, left: whole.left - padding.left, bottom: whole.bottom - padding.bottom,
      right: whole.right - padding.right)
  }

  /// Changes the padding at the bottom and right so that windows whose number is rounded down are those of an output, whose number was rounded up.
  mutating func cover(_ output: Shape) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2])
    let kernel = geometry.effectiveKernel
    geometry.padding.bottom = max(
      0, (output.height - 1) * geometry.stride.height + kernel.height - size.height - geometry.padding.top)
    geometry.padding.right = max(
      0, (output.width - 1) * geometry.stride.width + kernel.width - size.width - geometry.padding.left)
  }
}

extension Padding2D {
  /// Returns the padding with a function applied to each number.
  fileprivate func mapValues(_ function: (Int) -> Int) -> Padding2D {
    Padding2D(top: function(top), left: function(left), bottom: function(bottom), right: function(right))
  }
}
