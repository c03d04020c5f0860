/// A depthwise convolution fused with the 1×1 convolution before it (the expansion of an inverted residual block, Sandler et al. 2018), the
/// one after it (the pointwise half of a separable convolution, Chollet 2017), or both. The maps between them are never stored whole.
///
/// Inputs: x `[batch, height, width, in]`, weight and bias of each stage in order, as for ``Convolution``, and the residual if the last
/// stage adds one. Output: as that of the stages in sequence.
struct SeparableConvolution: Operator {
  static let name = "SeparableConvolution"

  /// The convolutions in order; one of them is depthwise, the others are 1×1.
  let stages: [Convolution]

  var attributes: String { stages.map(\.attributes).joined(separator: " → ") }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(
      inputs, 1 + 2 * stages.count + (addsResidual ? 1 : 0)...1 + 2 * stages.count + (addsResidual ? 1 : 0))
    var x = inputs[0]
    for index in stages.indices { x = try stages[index].outputs(for: operands(of: index, x, inputs))[0] }
    return [x]
  }

  /// Computes the sum of the stages' costs, without the maps between them.
  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    var cost = Cost(reading: inputs, writing: outputs)
    var x = inputs[0]
    for index in stages.indices {
      let operands = operands(of: index, x, inputs)
      guard let y = try? stages[index].outputs(for: operands)[0] else {
        preconditionFailure("the shapes of a separable convolution have been checked")
      }
      let stage = stages[index].cost(inputs: operands, outputs: [y])
      cost.macs += stage.macs
      cost.otherOperations += stage.otherOperations
      cost.parameters += stage.parameters
      x = y
    }
    return cost
  }

  var takesRowStrides: Bool { true }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    var problems: [ConvolutionProblem] = []
    var x = context.inputs[0].shape
    for index in stages.indices {
      let operands = operands(of: index, TensorSpec(x), context.inputs)
      guard let y = try? stages[index].outputs(for: operands)[0].shape else {
        preconditionFailure("the shapes of a separable convolution have been checked")
      }
      problems.append(ConvolutionProblem(.forward, stages[index].geometry, input: x, output: y))
      x = y
    }
    guard
      let rows = SeparableRows(
        problems, functions: stages.map(\.function), addsResidual: addsResidual, on: context.device)
    else { preconditionFailure("no depthwise convolution among \(attributes)") }
    return rows.prepared(context)
  }

  private var addsResidual: Bool { stages.last?.addsResidual ?? false }

  /// Returns the operands of a stage. `x` is the output of the stage before it.
  private func operands(of stage: Int, _ x: TensorSpec, _ inputs: [TensorSpec]) -> [TensorSpec] {
    var operands = [x, inputs[1 + 2 * stage], inputs[2 + 2 * stage]]
    if stages[stage].addsResidual, let residual = inputs.last { operands.append(residual) }
    return operands
  }
}

extension SeparableConvolution {
  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    if index == inputs.count - 1, addsResidual { return .samePixel(of: inputs[index]) }
    // The other stages are 1×1.
    let widest = stages.first { $0.geometry.kernel != 1 } ?? stages[0]
    return index == 0 ? widest.geometry.windowReach(of: inputs[0]) : .none
  }
}
