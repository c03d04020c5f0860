import Foundation
import SegEngine

/// Operators that sample feature maps at given points.
extension ONNXEvaluator {
  static let sampling: [String: Body] = ["GridSample": gridSample, "AffineGrid": affineGrid, "RoiAlign": roiAlign]

  /// The padding mode of GridSample-22.
  private struct Border {
    let mode: String
    let alignsCorners: Bool

    /// Reflects a coordinate at the ends of the range until it is inside.
    private func reflected(_ x: Double, _ low: Double, _ high: Double) -> Double {
      let range = high - low
      guard range > 0 else { return low }
      let distance = abs(x - low)
      let folded = distance.truncatingRemainder(dividingBy: 2 * range)
      return low + (folded > range ? 2 * range - folded : folded)
    }

    /// Returns the range that coordinates are reflected into.
    private func limits(_ extent: Int) -> (low: Double, high: Double) {
      alignsCorners ? (0, Double(extent - 1)) : (-0.5, Double(extent) - 0.5)
    }

    /// Converts a normalised coordinate from −1 to 1 to one in elements. A coordinate that is not finite becomes one
    /// outside in the mode `zeros`, else 0.
    func position(_ x: Float, _ extent: Int) -> Double {
      let length = Double(extent)
      let position = alignsCorners ? (Double(x) + 1) / 2 * (length - 1) : ((Double(x) + 1) * length - 1) / 2
      guard position.isFinite else { return mode == "zeros" ? -2 : 0 }
      return position
    }

    /// Returns the coordinate clamped to the border or reflected. In the mode `zeros` it is only bounded, so that it
    /// fits an Int.
    func inside(_ x: Double, _ extent: Int) -> Double {
      let (low, high) = limits(extent)
      guard x < low || x > high else { return x }
      switch mode {
      case "border": return min(max(x, 0), Double(extent - 1))
      case "reflection": return reflected(x, low, high)
      default: return min(max(x, -1e6), 1e15)
      }
    }

    /// Returns the index of the element at an integer coordinate; `nil` for an element that is 0.
    func index(_ x: Double, _ extent: Int) -> Int? {
      if x >= 0, x < Double(extent) { return Int(x) }
      switch mode {
      case "border": return x < 0 ? 0 : extent - 1
      case "reflection":
        let (low, high) = limits(extent)
        return min(max(Int(reflected(x, low, high)), 0), extent - 1)
      default: return nil
      }
    }
  }

  /// Returns the indices and weights of the elements that a coordinate is interpolated from, along one axis.
  private static func taps(_ x: Double, _ extent: Int, _ mode: String, _ border: Border) -> [(Int, Double)] {
    var taps: [(Int, Double)] = []
    func take(_ position: Double, _ weight: Double) {
      if let index = border.index(position, extent) { taps.append((index, weight)) }
    }
    let floor = x.rounded(.down)
    switch mode {
    case "nearest": take(x, 1)
    default:
      let kernel: InterpolationKernel = mode == "linear" ? .triangle : .cubic(a: -0.75)
      for step in mode == "linear" ? 0...1 : -1...2 {
        take(floor + Double(step), kernel.weight(at: x - floor - Double(step)))
      }
    }
    return taps
  }

  @Sendable private static func gridSample(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, grid) = (try call.operand(0), try call.operand(1))
    let spatial = Array(value.shape.dimensions.dropFirst(2))
    guard spatial.count >= 1, grid.shape.rank == spatial.count + 2, grid.shape[0] == value.shape[0],
      grid.shape[grid.shape.rank - 1] == spatial.count, grid.type.isFloat, !spatial.contains(0)
    else { throw ONNXFailure("a grid of \(grid.shape) does not fit \(value.shape)") }
    var mode = try call.attributes.string("mode", default: "linear")
    if mode == "bilinear" || mode == "bicubic" { mode.removeFirst(2) }
    guard ["nearest", "linear", "cubic"].contains(mode) else { throw ONNXFailure("its mode \(mode) is not supported") }
    let padding = try call.attributes.string("padding_mode", default: "zeros")
    guard ["zeros", "border", "reflection"].contains(padding) else {
      throw ONNXFailure("its padding \(padding) is not supported")
    }
    let border = Border(mode: padding, alignsCorners: try call.attributes.flag("align_corners"))
    let places = grid.shape.dimensions.dropFirst().dropLast()
    let shape = try call.shape(Array(value.shape.dimensions[..<2]) + places)
    let count = places.reduce(1, clampedProduct)
    let (batch, channels) = (value.shape[0], value.shape[1])
    let plane = spatial.reduce(1, clampedProduct)
    let strides = Shape(spatial).strides
    let (values, coordinates) = (value.floats, grid.floats)
    var results = [Float](repeating: 0, count: shape.elementCount)
    for place in 0..<(shape.elementCount == 0 ? 0 : batch * count) {
      // The last coordinate of a grid point is that of the first spatial axis.
      var points: [(offset: Int, weight: Double)] = [(0, 1)]
      for axis in spatial.indices {
        var x = border.position(coordinates[(place + 1) * spatial.count - 1 - axis], spatial[axis])
        if mode == "nearest" { x.round(.toNearestOrEven) }
        // Cubic interpolation beyond the border takes the weights of the place itself, and clamps the neighbours' indices.
        if mode != "cubic" || padding != "border" { x = border.inside(x, spatial[axis]) }
        let along = taps(x, spatial[axis], mode, border)
        points = points.flatMap { point in along.map { (point.offset + $0.0 * strides[axis], point.weight * $0.1) } }
      }
      for channel in 0..<channels {
        let base = (place / count * channels + channel) * plane
        let sum = points.reduce(0.0) { $0 + Double(values[base + $1.offset]) * $1.weight }
        results[(place / count * channels + channel) * count + place % count] = Float(sum)
      }
    }
    return [call.constant(value.type, shape, results)]
  }

  @Sendable private static func affineGrid(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let theta = try call.operand(0)
    let size = try call.ints(1)
    let rank = size.count - 2
    guard rank == 2 || rank == 3, theta.type.isFloat, theta.shape.dimensions == [size[0], rank, rank + 1] else {
      throw ONNXFailure("a transformation of \(theta.shape) does not fit the size \(size)")
    }
    let spatial = try call.shape(Array(size.dropFirst(2)))
    let shape = try call.shape([size[0]] + spatial.dimensions + [rank])
    let alignsCorners = try call.attributes.flag("align_corners")
    let strides = spatial.strides
    let factors = theta.floats
    var results: [Float] = []
    results.reserveCapacity(shape.elementCount)
    for place in 0..<(shape.elementCount / rank) {
      let (batch, offset) = (place / spatial.elementCount, place % spatial.elementCount)
      // The first coordinate of a point is that of the last spatial axis.
      let point = (0..<rank).reversed().map { axis -> Double in
        let (index, extent) = (Double(offset / strides[axis] % spatial[axis]), Double(spatial[axis]))
        return alignsCorners ? (extent == 1 ? -1 : 2 * index / (extent - 1) - 1) : (2 * index + 1) / extent - 1
      }
      for row in 0..<rank {
        let base = (batch * rank + row) * (rank + 1)
        results.append(
          Float((0..<rank).reduce(Double(factors[base + rank])) { $0 + Double(factors[base + $1]) * point[$1] }))
      }
    }
    return [ONNXConstant(theta.type, shape, floats: results)]
  }

  @Sendable private static func roiAlign(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, regions, batches) = (try call.operand(0), try call.operand(1), try call.operand(2))
    let attributes = call.attributes
    let (rows, columns) = (
      try attributes.int("output_height", default: 1), try attributes.int("output_width", default: 1)
    )
    guard value.shape.rank == 4, value.type.isFloat, regions.type.isFloat, regions.shape.rank == 2,
      regions.shape[1] == 4,
      batches.shape == [regions.shape[0]], rows > 0, columns > 0, value.shape[2] > 0, value.shape[3] > 0
    else { throw ONNXFailure("regions of \(regions.shape) for \(batches.shape) do not fit \(value.shape)") }
    let images = try indices(batches, below: value.shape[0])
    let ratio = try attributes.int("sampling_ratio", default: 0)
    let scale = Double(try attributes.float("spatial_scale", default: 1))
    let takesMaximum = try attributes.string("mode", default: "avg") == "max"
    let isHalf =
      try attributes.string(
        "coordinate_transformation_mode", default: call.opset < 16 ? "output_half_pixel" : "half_pixel")
      == "half_pixel"
    let (channels, height, width) = (value.shape[1], value.shape[2], value.shape[3])
    let shape = try call.shape([images.count, channels, rows, columns])
    let (values, corners) = (value.floats, regions.floats)
    var results: [Float] = []
    for (region, image) in images.enumerated() {
      let edges = (0..<4).map { Double(corners[region * 4 + $0]) * scale - (isHalf ? 0.5 : 0) }
      var (wide, high) = (edges[2] - edges[0], edges[3] - edges[1])
      if !isHalf { (wide, high) = (max(wide, 1), max(high, 1)) }
      let (binHeight, binWidth) = (high / Double(rows), wide / Double(columns))
      guard binHeight.isFinite, binWidth.isFinite, max(abs(binHeight), abs(binWidth)) < 0x1p30, ratio < 1 << 30 else {
        throw ONNXFailure("a region of \(edges) is not possible")
      }
      let down = ratio > 0 ? ratio : max(0, Int(binHeight.rounded(.up)))
      let across = ratio > 0 ? ratio : max(0, Int(binWidth.rounded(.up)))
      try call.spend(channels, rows * columns, down, across)
      for channel in 0..<channels {
        let base = (image * channels + channel) * height * width
        for bin in 0..<rows * columns {
          let top = edges[1] + Double(bin / columns) * binHeight
          let left = edges[0] + Double(bin % columns) * binWidth
          var (sum, best) = (0.0, -Double.infinity)
          for sample in 0..<down * across {
            let y = top + (Double(sample / across) + 0.5) * binHeight / Double(down)
            let x = left + (Double(sample % across) + 0.5) * binWidth / Double(across)
            let parts = corners4(y, x, height, width).map { Double(values[base + $0.0]) * $0.1 }
            sum += parts.reduce(0, +)
            best = max(best, parts.max() ?? 0)
          }
          results.append(Float(down * across == 0 ? 0 : takesMaximum ? best : sum / Double(down * across)))
        }
      }
    }
    return [ONNXConstant(value.type, shape, floats: results)]
  }

  /// Returns the offsets and bilinear weights of the four pixels around a point; none if it is more than one pixel
  /// outside.
  private static func corners4(_ y: Double, _ x: Double, _ height: Int, _ width: Int) -> [(Int, Double)] {
    guard y >= -1, y <= Double(height), x >= -1, x <= Double(width) else { return [] }
    func split(_ x: Double, _ extent: Int) -> (low: Int, high: Int, rest: Double) {
      let low = Int(max(x, 0))
      return low >= extent - 1 ? (extent - 1, extent - 1, 0) : (low, low + 1, max(x, 0) - Double(low))
    }
    let (row, column) = (split(y, height), split(x, width))
    return [
      (row.low * width + column.low, (1 - row.rest) * (1 - column.rest)),
      (row.low * width + column.high, (1 - row.rest) * column.rest),
      (row.high * width + column.low, row.rest * (1 - column.rest)),
      (row.high * width + column.high, row.rest * column.rest),
    ]
  }
}
