import Foundation
import SegEngine

/// The elements of a tensor grouped into lines: the elements along some axes for each index of the others.
struct Lines {
  /// The offset of the first element of each line.
  let starts: [Int]
  /// The offsets of a line's elements from its first.
  let steps: [Int]
  /// The shape of the tensor of one element per line.
  let shape: Shape

  init(_ call: ONNXCall, _ shape: Shape, along axes: [Int], keepsAxes: Bool = true) throws(ONNXFailure) {
    let strides = shape.strides
    let isTaken = (0..<shape.rank).map { axes.contains($0) }
    // Both shapes are checked: if an extent is 0, the product of the others may still exceed the limit.
    let outer = try call.shape(shape.dimensions.enumerated().map { isTaken[$0] ? 1 : $1 })
    let inner = try call.shape(shape.dimensions.enumerated().map { isTaken[$0] ? $1 : 1 })
    starts = Offsets.table(outer, strides: strides)
    steps = inner.elementCount == 0 ? [] : Offsets.table(inner, strides: strides)
    self.shape = keepsAxes ? outer : Shape(shape.dimensions.indices.filter { !isTaken[$0] }.map { shape[$0] })
  }
}

/// Operators that reduce or scan axes.
extension ONNXEvaluator {
  static let reductions: [String: Body] = [
    "ReduceSum": reduce, "ReduceMean": reduce, "ReduceMax": reduce, "ReduceMin": reduce, "ReduceProd": reduce,
    "ReduceL1": reduce, "ReduceL2": reduce, "ReduceLogSum": reduce, "ReduceLogSumExp": reduce,
    "ReduceSumSquare": reduce,
    "ArgMax": arg, "ArgMin": arg, "CumSum": cumulate, "GlobalLpPool": poolAll,
  ]

  /// A reduction of floating-point numbers: the initial value, the accumulation, and the final function of the total
  /// and the number of elements.
  private struct Reducer {
    var start = 0.0
    var take: (Double, Double) -> Double
    var finish: (Double, Int) -> Double = { total, _ in total }

    /// Creates the reduction of an operator type; `nil` if there is none.
    init?(_ kind: String) {
      switch kind {
      case "ReduceSum": take = { $0 + $1 }
      case "ReduceMean": (take, finish) = ({ $0 + $1 }, { $0 / Double($1) })
      case "ReduceMax": (start, take) = (-.infinity, { $1.isNaN || $1 > $0 ? $1 : $0 })
      case "ReduceMin": (start, take) = (.infinity, { $1.isNaN || $1 < $0 ? $1 : $0 })
      case "ReduceProd": (start, take) = (1, { $0 * $1 })
      case "ReduceL1": take = { $0 + abs($1) }
      case "ReduceL2": (take, finish) = ({ $0 + $1 * $1 }, { total, _ in total.squareRoot() })
      case "ReduceLogSum": (take, finish) = ({ $0 + $1 }, { total, _ in log(total) })
      case "ReduceSumSquare": take = { $0 + $1 * $1 }
      default: return nil
      }
    }
  }

  @Sendable private static func reduce(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let rank = value.shape.rank
    var axes = try call.axes(try call.ints("axes", orOperand: 1) ?? [], of: rank)
    if axes.isEmpty, try !call.attributes.flag("noop_with_empty_axes") { axes = Array(0..<rank) }
    let lines = try Lines(
      call, value.shape, along: axes, keepsAxes: try call.attributes.flag("keepdims", default: true))
    try call.spend(lines.starts.count, lines.steps.count)
    return [reduced(value, lines, call.node.kind)]
  }

  private static func reduced(_ value: ONNXConstant, _ lines: Lines, _ kind: String) -> ONNXConstant {
    if !value.type.isFloat, let exact = exactly(value, lines, kind) { return exact }
    let values = value.floats
    let results: [Float] = lines.starts.map { start in
      if kind == "ReduceLogSumExp" {
        // The maximum is subtracted, so that the exponential does not overflow.
        let top = lines.steps.reduce(-Double.infinity) { max($0, Double(values[start + $1])) }
        let shift = top.isFinite ? top : 0
        return Float(log(lines.steps.reduce(0.0) { $0 + exp(Double(values[start + $1]) - shift) }) + shift)
      }
      guard let reducer = Reducer(kind) else { return .nan }
      return Float(
        reducer.finish(
          lines.steps.reduce(reducer.start) { reducer.take($0, Double(values[start + $1])) }, lines.steps.count))
    }
    if value.type.isFloat { return ONNXConstant(value.type, lines.shape, floats: results) }
    return ONNXConstant(value.type, lines.shape, integers: results.map { ONNXCall.integer($0) })
  }

  /// Returns a reduction of integers in integer arithmetic; `nil` if it is not an integer, such as ReduceL2.
  private static func exactly(_ value: ONNXConstant, _ lines: Lines, _ kind: String) -> ONNXConstant? {
    let start: Int64
    let take: (Int64, Int64) -> Int64
    switch kind {
    case "ReduceSum", "ReduceMean": (start, take) = (0, { $0 &+ $1 })
    case "ReduceMax": (start, take) = (smallest(value.type), { max($0, $1) })
    case "ReduceMin": (start, take) = (largest(value.type), { min($0, $1) })
    case "ReduceProd": (start, take) = (1, { $0 &* $1 })
    case "ReduceL1": (start, take) = (0, { $0 &+ ($1 < 0 ? 0 &- $1 : $1) })
    case "ReduceSumSquare": (start, take) = (0, { $0 &+ $1 &* $1 })
    default: return nil
    }
    let values = value.integers
    let count = kind == "ReduceMean" ? Int64(max(lines.steps.count, 1)) : 1
    let results = lines.starts.map { first in lines.steps.reduce(start) { take($0, values[first + $1]) } / count }
    return ONNXConstant(value.type, lines.shape, integers: results)
  }

  /// Returns the smallest value of an integer type.
  static func smallest(_ type: ONNXElement) -> Int64 {
    guard let format = type.integerFormat, format.isSigned else { return 0 }
    return Int64.min >> Int64(64 - format.bits)
  }

  /// Returns the largest value of an integer type; 1 for bool.
  static func largest(_ type: ONNXElement) -> Int64 {
    guard let format = type.integerFormat else { return 1 }
    return Int64.max >> Int64(64 - min(format.bits + (format.isSigned ? 0 : 1), 64))
  }

  /// Computes ArgMax-13 and ArgMin-13.
  @Sendable private static func arg(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let axis = try call.axis(of: value.shape, default: 0)
    guard value.shape[axis] > 0 else { throw ONNXFailure("there is nothing to choose from in \(value.shape)") }
    let lines = try Lines(
      call, value.shape, along: [axis], keepsAxes: try call.attributes.flag("keepdims", default: true))
    let takesLast = try call.attributes.flag("select_last_index")
    let sign = call.node.kind == "ArgMax"
    func best<N: Numeral>(_ values: [N]) -> [Int64] {
      lines.starts.map { start in
        var best = 0
        for index in 1..<max(lines.steps.count, 1) {
          let (new, old) = (values[start + lines.steps[index]], values[start + lines.steps[best]])
          if sign ? new > old : new < old { best = index } else if takesLast, new == old { best = index }
        }
        return Int64(best)
      }
    }
    return [ONNXConstant(.int64, lines.shape, integers: value.type.isFloat ? best(value.floats) : best(value.integers))]
  }

  /// Computes CumSum-14.
  @Sendable private static func cumulate(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    let axis = try call.axis(try call.scalar(1).ints[0], of: value.shape.rank)
    let lines = try Lines(call, value.shape, along: [axis])
    let isExclusive = try call.attributes.flag("exclusive")
    let steps = try call.attributes.flag("reverse") ? lines.steps.reversed() : lines.steps
    func sums<N: Numeral>(_ values: [N]) -> ONNXConstant {
      var results = values
      for start in lines.starts {
        var total = N.zero
        for step in steps {
          let next = N.plus(total, values[start + step])
          results[start + step] = isExclusive ? total : next
          total = next
        }
      }
      return N.constant(value.type, value.shape, results)
    }
    return [value.type.isFloat ? sums(value.floats) : sums(value.integers)]
  }

  /// Computes GlobalLpPool-2.
  @Sendable private static func poolAll(_ call: ONNXCall) throws(ONNXFailure) -> [ONNXConstant] {
    let value = try call.operand(0)
    guard value.shape.rank > 2 else { throw ONNXFailure("\(value.shape) has no spatial axes") }
    let lines = try Lines(call, value.shape, along: Array(2..<value.shape.rank))
    let power = Double(try call.attributes.int("p", default: 2))
    let values = value.floats
    let results = lines.starts.map { start in
      Float(pow(lines.steps.reduce(0.0) { $0 + pow(abs(Double(values[start + $1])), power) }, 1 / power))
    }
    return [call.constant(value.type, lines.shape, results)]
  }
}
