import SegEngine

/// Operators that write elements into a copy of their input.
extension ONNXEvaluator {
  static let scattering: [String: Body] = [
    "ScatterElements": scatterElements, "Scatter": scatterElements, "ScatterND": scatterND,
  ]

  /// Returns a copy of `value` with `updates` written to the offsets in order, combined by the attribute `reduction`.
  private static func scattered(
    _ call: ONNXCall, _ value: ONNXConstant, _ updates: ONNXConstant, to offsets: [Int]
  ) throws(ONNXFailure) -> [ONNXConstant] {
    guard updates.type == value.type else { throw ONNXFailure("its updates are of another type than its operand") }
    let mode = try call.attributes.string("reduction", default: "none")
    guard ["none", "add", "mul", "max", "min"].contains(mode) else {
      throw ONNXFailure("its reduction \(mode) is not supported")
    }
    func written<N: Numeral>(_: N.Type) -> ONNXConstant {
      var elements = N.values(of: value)
      for (update, offset) in zip(N.values(of: updates), offsets) {
        let old = elements[offset]
        elements[offset] =
          switch mode {
          case "add": N.plus(old, update)
          case "mul": N.times(old, update)
          case "max": update > old || update != update ? update : old
          case "min": update < old || update != update ? update : old
          default: update
          }
      }
      return N.constant(value.type, value.shape, elements)
    }
    return [value.type.isFloat ? written(Float.self) : written(Int64.self)]
  }

  /// Computes ScatterElements-18.
  @Sendable private static func scatterElements(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions, updates) = (try call.operand(0), try call.operand(1), try call.operand(2))
    let axis = try call.axis(of: value.shape, default: 0)
    guard positions.shape == updates.shape else {
      throw ONNXFailure("\(positions.shape) indices do not fit updates of \(updates.shape)")
    }
    return try scattered(call, value, updates, to: try pointed(call, positions, value.shape, axis))
  }

  /// Computes ScatterND-18.
  @Sendable private static func scatterND(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let (value, positions, updates) = (try call.operand(0), try call.operand(1), try call.operand(2))
    let (starts, block) = try blocks(call, positions, value.shape, batch: 0)
    guard updates.shape.dimensions == positions.shape.dimensions.dropLast() + block else {
      throw ONNXFailure("updates of \(updates.shape) do not fit \(positions.shape) indices into \(value.shape)")
    }
    guard updates.shape.elementCount > 0 else { return [value] }
    let size = block.reduce(1, clampedProduct)
    let table = Offsets.table([starts.count, size]) { $0 == 0 ? starts[$1] : $1 }
    return try scattered(call, value, updates, to: table)
  }
}
