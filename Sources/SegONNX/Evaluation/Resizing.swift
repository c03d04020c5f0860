import Foundation
import SegEngine

/// Resize and Upsample in all modes (Resize-19).
extension ONNXEvaluator {
  static let resizing: [String: Body] = ["Resize": resize, "Upsample": resize]

  /// The interpolation along one axis.
  private struct Axis {
    /// The indices and weights for each output element; empty if the element is extrapolated.
    var taps: [[(index: Int, weight: Double)]] = []
  }

  /// The attributes of a node.
  private struct Settings {
    var mode = "nearest"
    var coordinates = "half_pixel"
    var rounding = "round_prefer_floor"
    var coefficient = -0.75
    var excludesOutside = false
    var antialiases = false
    var extrapolation: Float = 0

    init(_ call: ONNXCall) throws(ONNXFailure) {
      let attributes = call.attributes
      mode = try attributes.string("mode", default: "nearest")
      if mode == "bilinear" || mode == "trilinear" { mode = "linear" }
      // Upsample and Resize-10 have one coordinate transformation and one rounding mode.
      let isOld = call.node.kind == "Upsample" || call.opset < 11
      coordinates =
        try isOld ? "asymmetric" : attributes.string("coordinate_transformation_mode", default: "half_pixel")
      rounding = try isOld ? "floor" : attributes.string("nearest_mode", default: "round_prefer_floor")
      coefficient = Double(try attributes.float("cubic_coeff_a", default: -0.75))
      excludesOutside = try attributes.flag("exclude_outside")
      antialiases = try attributes.flag("antialias")
      extrapolation = try attributes.float("extrapolation_value", default: 0)
      guard ["nearest", "linear", "cubic"].contains(mode) else {
        throw ONNXFailure("its mode \(mode) is not supported")
      }
      guard !antialiases || mode != "nearest" else { throw ONNXFailure("it cannot smooth the nearest element") }
      guard ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].contains(rounding) else {
        throw ONNXFailure("its rounding \(rounding) is not supported")
      }
    }
  }

  /// Returns the input coordinate of the output element `index`, as `coordinate_transformation_mode` defines it.
  private static func position(
    _ index: Int, extent: Int, count: Int, scale: Double, region: (Double, Double), _ settings: Settings
  ) throws(ONNXFailure) -> Double {
    let (x, length) = (Double(index), Double(extent))
    // The unrounded output extent.
    let target = scale * length
    switch settings.coordinates {
    case "half_pixel": return (x + 0.5) / scale - 0.5
    case "half_pixel_symmetric": return length / 2 * (1 - Double(count) / target) + (x + 0.5) / scale - 0.5
    case "pytorch_half_pixel": return count == 1 ? -0.5 : (x + 0.5) / scale - 0.5
    case "align_corners": return target == 1 || count == 1 ? 0 : x * (length - 1) / (target - 1)
    case "asymmetric": return x / scale
    case "tf_half_pixel_for_nn": return (x + 0.5) / scale
    case "tf_crop_and_resize":
      let (start, end) = region
      guard target != 1, count > 1 else { return start * (length - 1) + (end - start) * (length - 1) / 2 }
      return start * (length - 1) + x * (end - start) * (length - 1) / (target - 1)
    default: throw ONNXFailure("its coordinate transformation \(settings.coordinates) is not supported")
    }
  }

  private static func axis(
    _ call: ONNXCall, extent: Int, count: Int, scale: Double, region: (Double, Double), _ settings: Settings
  ) throws(ONNXFailure) -> Axis {
    var axis = Axis()
    // With antialiasing, the kernel is widened by the factor of downsampling (Resize-18).
    let stretch = settings.antialiases ? min(scale, 1) : 1
    let kernel: InterpolationKernel = settings.mode == "cubic" ? .cubic(a: settings.coefficient) : .triangle
    let radius = kernel.radius / stretch
    try call.spend(count, Int(min(radius, 0x1p40)))
    for index in 0..<count {
      if settings.mode == "nearest", settings.coordinates != "tf_crop_and_resize" {
        let nearest = ONNXNearestPixel(coordinates: settings.coordinates, rounding: settings.rounding)
        guard let source = nearest.source(of: index, extent: extent, count: count, scale: Float(scale)) else {
          throw ONNXFailure("its coordinate transformation \(settings.coordinates) is not supported")
        }
        axis.taps.append([(source, 1)])
        continue
      }
      let position = try position(index, extent: extent, count: count, scale: scale, region: region, settings)
      guard position.isFinite, abs(position) < 0x1p50 else { throw ONNXFailure("its scale \(scale) is not possible") }
      if settings.coordinates == "tf_crop_and_resize", position < 0 || position > Double(extent - 1) {
        axis.taps.append([])
        continue
      }
      if settings.mode == "nearest" {
        let source = ONNXNearestPixel.rounded(Float(position), settings.rounding)
        axis.taps.append([(min(max(Int(source), 0), extent - 1), 1)])
        continue
      }
      var taps: [(index: Int, weight: Double)] = []
      var sum = 0.0
      for neighbour in Int((position - radius).rounded(.down)) + 1...Int((position + radius).rounded(.up)) - 1
        + (settings.antialiases ? 1 : 0)
      {
        let distance = (Double(neighbour) - position) * stretch
        var weight = kernel.weight(at: distance)
        if settings.excludesOutside, neighbour < 0 || neighbour >= extent { weight = 0 }
        if weight == 0 { continue }
        sum += weight
        taps.append((min(max(neighbour, 0), extent - 1), weight))
      }
      if settings.excludesOutside || settings.antialiases, sum != 0 {
        for tap in taps.indices { taps[tap].weight /= sum }
      }
      axis.taps.append(taps)
    }
    return axis
  }

  @Sendable private static func resize(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let rank = value.shape.rank
    let settings = try Settings(call)
    let (extents, scales, regions) = try target(call, value.shape, settings)
    let shape = try call.shape(extents)
    guard shape.elementCount > 0 else { return [value.gathered(shape, [])] }
    guard value.shape.elementCount > 0 else { throw ONNXFailure("there is nothing to resize in \(value.shape)") }
    var axes: [Axis?] = []
    for index in 0..<rank {
      let isWhole = regions[index].0 == 0 && regions[index].1 == 1
      let isSame = extents[index] == value.shape[index] && scales[index] == 1 && isWhole
      axes.append(
        isSame
          ? nil
          : try axis(
            call, extent: value.shape[index], count: extents[index], scale: scales[index], region: regions[index],
            settings))
    }
    if settings.mode == "nearest", axes.allSatisfy({ $0?.taps.allSatisfy { !$0.isEmpty } ?? true }) {
      let strides = value.shape.strides
      return [value.gathered(shape, Offsets.table(shape) { (axes[$0]?.taps[$1][0].index ?? $1) * strides[$0] })]
    }
    var values = value.floats.map { Double($0) }
    var current = value.shape
    for index in 0..<rank {
      guard let axis = axes[index] else { continue }
      values = interpolated(values, current, index, axis)
      current = current.replacing(axis: index, with: extents[index])
    }
    // An element outside the input along one axis is extrapolated.
    let outside = Offsets.table(shape) { axes[$0]?.taps[$1].isEmpty ?? false ? -1 : 0 }
    for index in outside.indices where outside[index] < 0 { values[index] = Double(settings.extrapolation) }
    if value.type.isFloat { return [ONNXConstant(value.type, shape, floats: values.map { Float($0) })] }
    let (low, high) = (Double(smallest(value.type)), Double(largest(value.type)))
    return [
      ONNXConstant(
        value.type, shape,
        integers: values.map { ONNXCall.integer(Float(min(max($0.rounded(.towardZero), low), high))) })
    ]
  }

  private static func interpolated(_ values: [Double], _ shape: Shape, _ index: Int, _ axis: Axis) -> [Double] {
    let inner = shape.strides[index]
    let outer = shape.elementCount / (inner * shape[index])
    var result = [Double](repeating: 0, count: outer * axis.taps.count * inner)
    for row in 0..<outer {
      for (place, taps) in axis.taps.enumerated() {
        let target = (row * axis.taps.count + place) * inner
        for tap in taps {
          let source = (row * shape[index] + tap.index) * inner
          for step in 0..<inner { result[target + step] += tap.weight * values[source + step] }
        }
      }
    }
    return result
  }

  /// Returns the output extents for an input of a shape, from scales or sizes that are constant.
  static func resizedExtents(_ call: ONNXCall, _ shape: Shape) throws(ONNXFailure) -> [Int] {
    try target(call, shape, try Settings(call)).extents
  }

  /// Returns the output extents, and the scale and region of interest of each axis.
  private static func target(
    _ call: ONNXCall, _ shape: Shape, _ settings: Settings
  ) throws(ONNXFailure) -> (extents: [Int], scales: [Double], regions: [(Double, Double)]) {
    let rank = shape.rank
    let axes = try call.axes(try call.attributes.ints("axes") ?? Array(0..<rank), of: rank)
    // The inputs of Resize-10 are (X, scales), those of later versions (X, roi, scales, sizes).
    let isOld = call.node.kind == "Upsample" || call.opset < 11
    func floats(_ index: Int) -> [Float]? {
      guard let operand = call.optional(index), operand.shape.elementCount > 0 else { return nil }
      return operand.floats
    }
    var (extents, scales) = (shape.dimensions, [Double](repeating: 1, count: rank))
    var regions = [(Double, Double)](repeating: (0, 1), count: rank)
    if !isOld, settings.coordinates == "tf_crop_and_resize" {
      guard let region = floats(1), region.count == 2 * axes.count else {
        throw ONNXFailure("its region is missing or does not fit")
      }
      for (index, axis) in axes.enumerated() {
        regions[axis] = (Double(region[index]), Double(region[index + axes.count]))
      }
    }
    let attribute = try call.attributes.floats("scales")
    if let given = floats(isOld ? 1 : 2) ?? attribute {
      guard given.count == axes.count, given.allSatisfy({ $0 > 0 && $0.isFinite }) else {
        throw ONNXFailure("the scales \(given) do not fit \(shape)")
      }
      for (axis, scale) in zip(axes, given) {
        scales[axis] = Double(scale)
        // The output extent is ⌊extent · scale⌋ in float32 arithmetic.
        extents[axis] = Int(min(Double((Float(shape[axis]) * scale).rounded(.down)), 0x1p50))
      }
      return (extents, scales, regions)
    }
    guard !isOld, call.optional(3) != nil else { throw ONNXFailure("it has neither scales nor sizes") }
    let sizes = try call.ints(3)
    guard sizes.count == axes.count, sizes.allSatisfy({ $0 >= 0 }) else {
      throw ONNXFailure("the sizes \(sizes) do not fit \(shape)")
    }
    for (axis, size) in zip(axes, sizes) {
      extents[axis] = size
      scales[axis] = Double(size) / Double(max(shape[axis], 1))
    }
    let policy = try call.attributes.string("keep_aspect_ratio_policy", default: "stretch")
    guard policy != "stretch" else { return (extents, scales, regions) }
    let chosen = axes.map { scales[$0] }
    guard let scale = policy == "not_larger" ? chosen.min() : policy == "not_smaller" ? chosen.max() : nil else {
      throw ONNXFailure("its policy \(policy) is not supported")
    }
    for axis in axes {
      scales[axis] = scale
      extents[axis] = Int(min((scale * Double(shape[axis]) + 0.5).rounded(.down), 0x1p50))
    }
    return (extents, scales, regions)
  }
}
