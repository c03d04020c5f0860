/// The input element of each output element of Resize in the mode `nearest`.
///
/// Coordinates are computed in float32, in the order of operations of Resize-19's formulas as ONNX Runtime and PyTorch compute them. In a
/// higher precision, factors such as 1.7, which float32 does not hold exactly, give other elements.
struct ONNXNearestPixel {
  /// The attribute `coordinate_transformation_mode`.
  let coordinates: String
  /// The attribute `nearest_mode`.
  let rounding: String

  /// Rounds a coordinate to an element, as an attribute `nearest_mode` says.
  ///
  /// What is within 10⁻⁶ of a half is a half, as in ONNX Runtime: the rounding of the division does not decide.
  static func rounded(_ position: Float, _ rounding: String) -> Float {
    let whole = position.rounded(.down)
    switch rounding {
    case "floor": return whole
    case "ceil": return position.rounded(.up)
    default:
      if (position - (whole + 0.5)).magnitude < 1e-6 { return rounding == "round_prefer_ceil" ? whole + 1 : whole }
      return position.rounded(.toNearestOrAwayFromZero)
    }
  }

  /// Returns the index of the input element; `nil` for another transformation of coordinates.
  ///
  /// - Parameters:
  ///   - index: The index of the output element.
  ///   - extent: The number of input elements.
  ///   - count: The number of output elements.
  ///   - scale: The factor from input to output.
  func source(of index: Int, extent: Int, count: Int, scale: Float) -> Int? {
    let (x, length) = (Float(index), Float(extent))
    let position: Float
    switch coordinates {
    // Without a change of scale nothing is computed.
    case _ where scale == 1 && count == extent: position = x
    case "half_pixel": position = (x + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let adjustment = Float(count) / (scale * length)
      position = length / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case "pytorch_half_pixel": position = count > 1 ? (x + 0.5) / scale - 0.5 : 0
    case "align_corners": position = count == 1 ? 0 : x * (length - 1) / (Float(count) - 1)
    case "asymmetric": position = x / scale
    case "tf_half_pixel_for_nn": position = (x + 0.5) / scale
    default: return nil
    }
    guard position.isFinite, position.magnitude < 0x1p62 else { return position < 0 ? 0 : extent - 1 }
    return min(max(Int(ONNXNearestPixel.rounded(position, rounding)), 0), extent - 1)
  }
}
