import Foundation
import SegEngine

/// Pooling and its inverses.
extension ONNXEvaluator {
  static let pooling: [String: Body] = [
    "MaxPool": maxPool, "LpPool": lpPool, "MaxUnpool": maxUnpool, "Col2Im": columnsToImage,
  ]

  /// Returns the windows of a pooling node with their runs, and the shape of its output.
  private static func windows(
    _ call: ONNXCall, _ value: ONNXConstant
  ) throws(ONNXFailure) -> (windows: Windows, runs: [Windows.Run], shape: Shape) {
    guard value.shape.rank > 2 else { throw ONNXFailure("\(value.shape) has no spatial axes") }
    var windows = try Windows(call, image: Array(value.shape.dimensions[2...]))
    try windows.count(call)
    let shape = try call.shape(Array(value.shape.dimensions[..<2]) + windows.counts)
    try call.spend(shape.elementCount, windows.kernel.reduce(1, clampedProduct))
    return (windows, shape.elementCount == 0 ? [] : try windows.runs(call), shape)
  }

  /// Computes MaxPool-12 with indices.
  @Sendable private static func maxPool(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let (windows, runs, shape) = try windows(call, value)
    let plane = windows.image.reduce(1, clampedProduct)
    let size = windows.counts.reduce(1, clampedProduct)
    var indices = [Int64](repeating: 0, count: shape.elementCount)
    func pooled<N: Numeral>(_ lowest: N) -> ONNXConstant {
      let values = N.values(of: value)
      var results = [N](repeating: lowest, count: shape.elementCount)
      var isSet = [Bool](repeating: false, count: shape.elementCount)
      for index in 0..<(size == 0 ? 0 : shape.elementCount / size) {
        for run in runs {
          for step in 0..<run.count {
            let place = index * size + run.window + step
            let source = index * plane + run.source + step * windows.pace
            let element = values[source]
            // The first of equal maxima is taken. NaN propagates.
            if !isSet[place] || element > results[place] || element != element {
              results[place] = element
              indices[place] = Int64(source)
              isSet[place] = true
            }
          }
        }
      }
      return N.constant(value.type, shape, results)
    }
    let result = value.type.isFloat ? pooled(-Float.infinity) : pooled(smallest(value.type))
    if try call.attributes.flag("storage_order"), plane > 0 {
      // With storage_order 1, the indices within a plane are column-major.
      let strides = Shape(windows.image).strides
      indices = indices.map { index in
        let (base, offset) = (Int(index) / plane * plane, Int(index) % plane)
        var (moved, stride) = (0, 1)
        for (axis, extent) in windows.image.enumerated() {
          moved += offset / strides[axis] % extent * stride
          stride *= extent
        }
        return Int64(base + moved)
      }
    }
    return [result, ONNXConstant(.int64, shape, integers: indices)]
  }

  /// Returns the sums over windows of a function of the elements.
  private static func sums(
    _ value: ONNXConstant, _ windows: Windows, _ runs: [Windows.Run], _ shape: Shape, _ body: (Float) -> Double
  ) -> [Double] {
    let values = value.floats
    let plane = windows.image.reduce(1, clampedProduct)
    let size = windows.counts.reduce(1, clampedProduct)
    var sums = [Double](repeating: 0, count: shape.elementCount)
    for index in 0..<(size == 0 ? 0 : shape.elementCount / size) {
      for run in runs {
        let (place, source) = (index * size + run.window, index * plane + run.source)
        for step in 0..<run.count { sums[place + step] += body(values[source + step * windows.pace]) }
      }
    }
    return sums
  }

  /// Computes LpPool-18: (Σ |x|^p)^(1/p).
  @Sendable private static func lpPool(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let (windows, runs, shape) = try windows(call, value)
    let power = Double(try call.attributes.int("p", default: 2))
    let sums = sums(value, windows, runs, shape) { pow(abs(Double($0)), power) }
    return [call.constant(value.type, shape, sums.map { Float(pow($0, 1 / power)) })]
  }

  /// Computes MaxUnpool-11: writes elements to the positions that MaxPool has returned, and 0 elsewhere.
  @Sendable private static func maxUnpool(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions) = (try call.operand(0), try call.operand(1))
    let shape = value.shape
    guard shape.rank > 2, positions.shape == shape, !positions.type.isFloat else {
      throw ONNXFailure("indices of \(positions.shape) do not fit \(shape)")
    }
    let windows = try Windows(call, image: Array(shape.dimensions[2...]), dilated: false)
    let spatial = windows.image.indices.map { axis in
      (windows.image[axis] - 1) * windows.strides[axis] + windows.kernel[axis] - windows.before[axis]
        - windows.after[axis]
    }
    let inner = try call.shape(Array(shape.dimensions[..<2]) + spatial)
    let outer = call.optional(2) == nil ? inner : try call.shape(try call.ints(2))
    guard outer.rank == inner.rank else { throw ONNXFailure("the shape \(outer) does not fit \(shape)") }
    var table = [Int](repeating: -1, count: inner.elementCount)
    for (source, target) in positions.ints.enumerated() {
      guard target >= 0, target < table.count else { throw ONNXFailure("the index \(target) is outside \(inner)") }
      table[target] = source
    }
    let result = value.gathered(inner, table)
    guard outer != inner else { return [result] }
    let strides = inner.strides
    return [result.gathered(outer, Offsets.table(outer) { $1 < inner[$0] ? $1 * strides[$0] : -1 })]
  }

  /// Computes Col2Im-18: adds up the columns `[batch, channels · taps, windows]` where their windows overlap.
  @Sendable private static func columnsToImage(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let (image, kernel) = (try call.ints(1), try call.ints(2))
    guard value.shape.rank == 3 else { throw ONNXFailure("its operand of \(value.shape) does not hold columns") }
    let imageShape = try call.shape(image)
    var windows = try Windows(call, image: image, kernel: kernel)
    try windows.count(call)
    let taps = try call.shape(kernel).elementCount
    let size = windows.counts.reduce(1, clampedProduct)
    guard taps > 0, value.shape[1] % taps == 0, value.shape[2] == size else {
      throw ONNXFailure("columns of \(value.shape) do not fit \(windows.counts) windows of \(kernel)")
    }
    let shape = try call.shape([value.shape[0], value.shape[1] / taps] + image)
    let runs = try windows.runs(call)
    let planes = shape.elementCount == 0 ? 0 : value.shape[0] * (value.shape[1] / taps)
    func sums<N: Numeral>(_ values: [N]) -> ONNXConstant {
      var results = [N](repeating: .zero, count: shape.elementCount)
      for plane in 0..<planes {
        for run in runs {
          for step in 0..<run.count {
            let place = plane * imageShape.elementCount + run.source + step * windows.pace
            results[place] = N.plus(results[place], values[(plane * taps + run.tap) * size + run.window + step])
          }
        }
      }
      return N.constant(value.type, shape, results)
    }
    return [value.type.isFloat ? sums(value.floats) : sums(value.integers)]
  }
}
