import SegEngine

extension Elementwise: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    step.result(step.activated(x.name, function), as: x.order)
  }
}

extension Binary: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let rank = step.output().shape.rank
    let order = step.commonOrder(ofInputs: [0, 1].filter { step.input($0).shape.rank == rank })
    let type =
      switch operation {
      case .add: "Add"
      case .subtract: "Sub"
      case .multiply: "Mul"
      case .divide: "Div"
      case .maximum: "Max"
      case .minimum: "Min"
      case .power: "Pow"
      }
    let operands = [try step.broadcasting(0, as: order), try step.broadcasting(1, as: order)]
    step.result(step.activated(step.add(type, operands), function), as: order)
  }
}

extension PReLU: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    step.result(step.add("PRelu", [x.name, try step.broadcasting(1, as: x.order)]), as: x.order)
  }
}

extension Threshold: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    let bound = step.reshaped(step.rows(1), to: [])
    step.result(step.cast(step.add("Greater", [x.name, bound]), to: elementType), as: x.order)
  }
}

extension Cast: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let x = step.tensor()
    step.result(step.cast(x.name, to: elementType), as: x.order)
  }
}

extension Identity: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) { step.forward() }
}

/// A file is for inference, in which dropout does nothing.
extension Dropout: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) { step.forward() }
}

extension ONNXExportStep {
  /// Converts the elements of a tensor.
  func cast(_ x: String, to type: ElementType) -> String {
    add("Cast", [x], ["to": .int(Int(ONNXElement(storing: type).rawValue))])
  }

  /// Applies a function to each element of a tensor.
  func activated(_ x: String, _ function: ElementwiseFunction) -> String {
    switch function {
    case .identity: return x
    case .relu: return add("Relu", [x])
    case .clip(let low, let high):
      // An infinite bound is omitted.
      let bounds = [low == -.infinity ? "" : number(low)] + (high == .infinity ? [] : [number(high)])
      return add("Clip", [x] + (bounds == [""] ? [] : bounds))
    case .leakyReLU(let slope): return add("LeakyRelu", [x], ["alpha": .float(slope)])
    case .elu(let alpha): return add("Elu", [x], ["alpha": .float(alpha)])
    case .gelu:
      let error = add("Erf", [add("Div", [x, number(Float(2).squareRoot())])])
      return add("Mul", [add("Mul", [x, add("Add", [error, number(1)])]), number(0.5)])
    case .geluTanh:
      let cube = add("Mul", [add("Mul", [x, x]), x])
      let sum = add("Add", [x, add("Mul", [cube, number(0.044715)])])
      let tangent = add("Tanh", [add("Mul", [sum, number((2 / Float.pi).squareRoot())])])
      return add("Mul", [add("Mul", [x, add("Add", [tangent, number(1)])]), number(0.5)])
    case .silu: return add("Mul", [x, add("Sigmoid", [x])])
    case .hardSigmoid(let slope, let offset):
      return add("HardSigmoid", [x], ["alpha": .float(slope), "beta": .float(offset)])
    case .hardSwish: return add("HardSwish", [x])
    case .sigmoid: return add("Sigmoid", [x])
    case .tanh: return add("Tanh", [x])
    case .softplus(let beta, let threshold):
      let scaled = beta == 1 ? x : add("Mul", [x, number(beta)])
      let smooth = add("Softplus", [scaled])
      let result = beta == 1 ? smooth : add("Div", [smooth, number(beta)])
      // log(1 + eˣ) is x in float32 from 17 on.
      return threshold >= 17 ? result : add("Where", [add("Greater", [scaled, number(threshold)]), x, result])
    case .exp: return add("Exp", [x])
    case .log: return add("Log", [x])
    case .sqrt: return add("Sqrt", [x])
    case .abs: return add("Abs", [x])
    case .negate: return add("Neg", [x])
    case .reciprocal: return add("Reciprocal", [x])
    case .erf: return add("Erf", [x])
    case .quantize(let step, let low, let high):
      let whole = add("Round", [add("Clip", [add("Div", [x, number(step)]), number(low), number(high)])])
      return add("Mul", [whole, number(step)])
    }
  }
}
