import SegEngine

extension Linear: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    let (x, weight) = (step.input(0).shape, step.input(1).shape)
    let bias = step.inputCount == (addsResidual ? 4 : 3) ? [step.rows(2)] : []
    // A map with the channels first stays as it is: a linear layer of each pixel is a 1×1 convolution.
    if x.rank == 4, step.tensor().order == AxisOrder.channelsFirst(4) {
      let kernel = step.reshaped(step.rows(1), to: weight.dimensions + [1, 1])
      let y = step.add("Conv", [step.map(), kernel] + bias, ["kernel_shape": .ints([1, 1])])
      return step.result(map: step.finished(y, addsResidual: addsResidual, function))
    }
    var y: String
    if x.rank == 2 {
      y = step.add("Gemm", [step.rows(), step.rows(1)] + bias, ["transB": .int(1)])
    } else {
      y = step.add("MatMul", [step.rows(), step.tensor(1, as: [1, 0])])
      if let bias = bias.first { y = step.add("Add", [y, bias]) }
    }
    if addsResidual { y = step.add("Add", [y, step.rows(step.inputCount - 1)]) }
    step.result(rows: step.activated(y, function))
  }
}

extension MatMul: ONNXExporting {
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    func operand(_ index: Int, isTransposed: Bool) -> String {
      var order = AxisOrder.own(step.input(index).shape.rank)
      if isTransposed { order.swapAt(order.count - 1, order.count - 2) }
      return step.tensor(index, as: order)
    }
    step.result(
      rows: step.add(
        "MatMul", [operand(0, isTransposed: transposesA), operand(1, isTransposed: transposesB)]))
  }
}

extension Attention: ONNXExporting {
  /// softmax(scale · q · kᵀ + mask) · v over `[batch, heads, tokens, channels]`.
  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    func heads(_ index: Int, _ order: [Int]) -> String {
      let parts = step.reshaped(step.rows(index), to: [0, 0, self.heads, step.input(index).shape[2] / self.heads])
      return step.add("Transpose", [parts], ["perm": .ints(order)])
    }
    let width = step.input(0).shape[2] / self.heads
    let products = step.add("MatMul", [heads(0, [0, 2, 1, 3]), heads(1, [0, 2, 3, 1])])
    var scores = step.add("Mul", [products, step.number(scale ?? 1 / Float(max(1, width)).squareRoot())])
    if step.inputCount > 3 { scores = step.add("Add", [scores, step.rows(3)]) }
    let shares = step.add("Softmax", [scores], ["axis": .int(-1)])
    let sums = step.add("MatMul", [shares, heads(2, [0, 2, 1, 3])])
    let tokens = step.add("Transpose", [sums], ["perm": .ints([0, 2, 1, 3])])
    step.result(rows: step.reshaped(tokens, to: [0, 0, step.output().shape[2]]))
  }
}
