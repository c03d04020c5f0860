import SegEngine

extension ONNXImporter {
  /// Reductions over given axes, and ArgMax.
  static let reductionRules: [String: Rule] = {
    func reduction(_ operation: Reduce.Operation, before: ElementwiseFunction? = nil) -> Rule {
      { step in
        let x = try step.input(0)
        guard step.isFloat(0) else { return nil }
        let given = try step.known(1, "axes")?.ints ?? step.attributes.ints("axes") ?? []
        if given.isEmpty, try step.attributes.flag("noop_with_empty_axes") {
          return before == nil && operation != .norm && operation != .sumOfSquares ? [x] : nil
        }
        let axes =
          given.isEmpty
          ? Array(0..<x.rank) : try given.map { axis throws(ONNXFailure) in try step.axis(axis, rank: x.rank) }
        guard Set(axes).count == axes.count, x.rank > 0 else { return nil }
        let order = x.axes
        let positions = axes.map { axis in order.firstIndex(of: axis)! }.sorted()
        let reduced = try step.unary { value in
          let value = before.map { value.map($0, named: step.node.name + ".map") } ?? value
          return step.apply(Reduce(operation, axes: positions), value)
        }
        return [
          try step.attributes.flag("keepdims", default: true) ? reduced : try step.droppingAxes(reduced, Set(axes))
        ]
      }
    }
    return [
      "ReduceMean": reduction(.mean), "ReduceSum": reduction(.sum), "ReduceMax": reduction(.maximum),
      "ReduceMin": reduction(.minimum), "ReduceProd": reduction(.product), "ReduceSumSquare": reduction(.sumOfSquares),
      "ReduceL2": reduction(.norm), "ReduceL1": reduction(.sum, before: .abs),
      "ArgMax": { step in
        let x = try step.input(0)
        guard step.isFloat(0), x.rank > 0, try !step.attributes.flag("select_last_index") else { return nil }
        let axis = try step.axis(try step.attributes.int("axis", default: 0), rank: x.rank)
        let position = x.axes.firstIndex(of: axis)!
        let value = step.apply(ArgMax(axis: position, keepsAxis: true), try step.value(0, as: x.axes))
        let result = ONNXValue(.int64, value, axes: x.axes)
        return [try step.attributes.flag("keepdims", default: true) ? result : try step.droppingAxes(result, [axis])]
      },
    ]
  }()
}
