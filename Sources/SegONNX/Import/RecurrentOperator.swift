import Foundation
import SegEngine

/// A recurrent layer: LSTM, GRU or RNN of ONNX (LSTM-22, GRU-22, RNN-22), in one or both directions.
///
/// Inputs: the sequences `[time, batch, inputs]`, weights `[directions, gates · hidden, inputs]`, recurrent weights
/// `[directions, gates · hidden, hidden]`, then those of `present`. Outputs: the states of all times
/// `[time, directions, batch, hidden]`, and the last state `[directions, batch, hidden]`; of an LSTM the last cell, too.
///
/// The product of all times with the weights is one matrix product; each time adds one with the recurrent weights.
struct RecurrentOperator: Operator {
  static let name = "Recurrent"

  /// The kind of cell.
  enum Cell: String, Sendable {
    case lstm = "LSTM"
    case gru = "GRU"
    case rnn = "RNN"

    /// The number of blocks of weights.
    var gates: Int {
      switch self {
      case .lstm: 4
      case .gru: 3
      case .rnn: 1
      }
    }

    /// The number of functions for each direction.
    var functions: Int {
      switch self {
      case .lstm: 3
      case .gru: 2
      case .rnn: 1
      }
    }
  }

  /// An optional input.
  enum Operand: Int, Sendable, CaseIterable {
    case bias, lengths, state, cell, peepholes
  }

  /// A function of gates and states.
  struct Function: Sendable {
    let kind: String
    var alpha: Float
    var beta: Float

    /// The functions with their default parameters (LSTM-22).
    static let defaults: [String: (alpha: Float, beta: Float)] = [
      "Relu": (0, 0), "Tanh": (0, 0), "Sigmoid": (0, 0), "Affine": (1, 0), "LeakyRelu": (0.01, 0),
      "ThresholdedRelu": (1, 0), "ScaledTanh": (1, 1), "HardSigmoid": (0.2, 0.5), "Elu": (1, 0), "Softsign": (0, 0),
      "Softplus": (0, 0),
    ]
    /// The functions that take the attributes `activation_alpha` and `activation_beta`.
    static let takingAlpha: Set<String> = [
      "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu",
    ]
    static let takingBeta: Set<String> = ["Affine", "ScaledTanh", "HardSigmoid"]

    func callAsFunction(_ x: Float) -> Float {
      switch kind {
      case "Relu": max(x, 0)
      case "Tanh": tanhf(x)
      case "Sigmoid": x >= 0 ? 1 / (1 + expf(-x)) : expf(x) / (1 + expf(x))
      case "Affine": alpha * x + beta
      case "LeakyRelu": x >= 0 ? x : alpha * x
      case "ThresholdedRelu": x >= alpha ? x : 0
      case "ScaledTanh": alpha * tanhf(beta * x)
      case "HardSigmoid": min(max(alpha * x + beta, 0), 1)
      case "Elu": x >= 0 ? x : alpha * expm1f(x)
      case "Softsign": x / (1 + abs(x))
      default: max(x, 0) + log1pf(expf(-abs(x)))
      }
    }
  }

  let cell: Cell
  let hidden: Int
  /// For each direction whether time runs backwards.
  let directions: [Bool]
  /// The functions of each direction.
  let functions: [[Function]]
  let clip: Float?
  /// GRU: whether the reset gate multiplies the product with the recurrent weights, and not its operand.
  let resetsProduct: Bool
  /// LSTM: whether the forget gate is one less the input gate.
  let couplesGates: Bool
  /// The optional inputs from input 3 on.
  let present: [Operand]

  var attributes: String { "\(cell.rawValue) \(hidden)" + (directions.count == 2 ? " both directions" : "") }
  var latencyKind: String { "\(Self.name) \(cell.rawValue)" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    func require(_ condition: Bool, _ reason: String) throws(ShapeError) {
      guard condition else { throw ShapeError(Self.name, reason) }
    }
    try require(inputs.count == 3 + present.count, "has \(inputs.count) inputs")
    let (x, w, r) = (inputs[0].shape, inputs[1].shape, inputs[2].shape)
    try require(
      inputs[0].elementType == .float32 && inputs[1].elementType == .float32 && inputs[2].elementType == .float32,
      "takes float32")
    try require(x.rank == 3, "takes sequences [time, batch, inputs], not \(x)")
    let (d, rows) = (directions.count, cell.gates * hidden)
    try require(w.dimensions == [d, rows, x[2]], "weights \(w) are not [\(d), \(rows), \(x[2])]")
    try require(r.dimensions == [d, rows, hidden], "recurrent weights \(r) are not [\(d), \(rows), \(hidden)]")
    for (index, operand) in present.enumerated() {
      let spec = inputs[3 + index]
      let wanted: [Int] =
        switch operand {
        case .bias: [d, 2 * rows]
        case .lengths: [x[1]]
        case .state, .cell: [d, x[1], hidden]
        case .peepholes: [d, 3 * hidden]
        }
      try require(
        spec.shape.dimensions == wanted && spec.elementType == (operand == .lengths ? .int32 : .float32),
        "its \(operand) \(spec) are not \(wanted)")
    }
    guard let all = Shape(validating: [x[0], d, x[1], hidden]) else {
      throw ShapeError(Self.name, "the states of \(x) are too many")
    }
    let last = TensorSpec(Shape([d, x[1], hidden]))
    return [TensorSpec(all), last] + (cell == .lstm ? [last] : [])
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let x = inputs[0].shape
    let steps = x[0] * x[1] * directions.count * cell.gates * hidden
    return Cost(macs: steps * (x[2] + hidden), otherOperations: steps * 4, reading: inputs, writing: outputs)
  }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let x = context.inputs[0].shape
    let (times, batch, width) = (x[0], x[1], x[2])
    let (hidden, rows) = (hidden, cell.gates * hidden)
    // The gates of all times, the state and the cell, and of a GRU the reset state or the product with it.
    let gateCount = times * batch * rows
    let stateCount = batch * hidden
    let layer = self
    return PreparedOperator(workspaceByteCount: (gateCount + 4 * stateCount + rows) * 4) { context throws(RunError) in
      let gate = context.scratch
      let state = gate + gateCount
      let memory = state + stateCount
      let other = memory + stateCount
      let previous = other + stateCount
      let sum = previous + stateCount
      func operand(_ kind: Operand) -> TensorView? {
        layer.present.firstIndex(of: kind).map { context.input(3 + $0) }
      }
      let lengths = operand(.lengths)?.pointer(to: Int32.self)
      for index in 0..<(lengths == nil ? 0 : batch) where !(0...times).contains(Int(lengths![index])) {
        throw RunError(layer.cell.rawValue, "a sequence of \(lengths![index]) is not within \(times)")
      }
      let y = context.output(0).floats
      for (direction, isReversed) in layer.directions.enumerated() {
        let bias = operand(.bias).map { $0.floats + direction * 2 * rows }
        let weights = context.input(1).floats + direction * rows * width
        let recurrent = context.input(2).floats + direction * rows * hidden
        let peepholes = operand(.peepholes).map { $0.floats + direction * 3 * hidden }
        // Of a GRU that resets the product, the recurrent bias of the hidden gate is inside the product.
        for row in 0..<rows {
          let isInside = layer.cell == .gru && layer.resetsProduct && row >= 2 * hidden
          sum[row] = bias.map { $0[row] + (isInside ? 0 : $0[rows + row]) } ?? 0
        }
        for line in 0..<times * batch { (gate + line * rows).update(from: sum, count: rows) }
        context.backend.gemm(
          transposeA: false, transposeB: true, m: times * batch, n: rows, k: width, alpha: 1, context.input(0).floats,
          width, weights, width, beta: 1, gate, rows)
        for (kind, target) in [(Operand.state, state), (.cell, memory)] {
          if let initial = operand(kind) {
            target.update(from: initial.floats + direction * stateCount, count: stateCount)
          } else {
            target.update(repeating: 0, count: stateCount)
          }
        }
        for turn in 0..<times {
          let time = isReversed ? times - 1 - turn : turn
          let now = gate + time * batch * rows
          previous.update(from: state, count: stateCount)
          layer.addProducts(
            now, previous, other, recurrent, bias, batch, layer.functions[direction], context.backend)
          for sequence in 0..<batch {
            let place = y + ((time * layer.directions.count + direction) * batch + sequence) * hidden
            if let lengths, time >= Int(lengths[sequence]) {
              place.update(repeating: 0, count: hidden)
              continue
            }
            let offset = sequence * hidden
            layer.step(
              now + sequence * rows, state + offset, memory + offset, other + offset, peepholes,
              layer.functions[direction])
            place.update(from: state + offset, count: hidden)
          }
        }
        (context.output(1).floats + direction * stateCount).update(from: state, count: stateCount)
        if layer.cell == .lstm {
          (context.output(2).floats + direction * stateCount).update(from: memory, count: stateCount)
        }
      }
    }
  }

  /// Adds the products of the states with the recurrent weights to the gates of one time. What a GRU needs apart is written
  /// to `other`.
  private func addProducts(
    _ gate: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>, _ other: UnsafeMutablePointer<Float>,
    _ recurrent: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?, _ batch: Int, _ functions: [Function],
    _ backend: any Backend
  ) {
    let rows = cell.gates * hidden
    let joined = cell == .gru ? 2 * hidden : rows
    backend.gemm(
      transposeA: false, transposeB: true, m: batch, n: joined, k: hidden, alpha: 1, state, hidden, recurrent, hidden,
      beta: 1, gate, rows)
    guard cell == .gru else { return }
    let weights = recurrent + 2 * hidden * hidden
    if resetsProduct {
      for sequence in 0..<batch {
        for index in 0..<hidden { other[sequence * hidden + index] = bias.map { $0[rows + 2 * hidden + index] } ?? 0 }
      }
      backend.gemm(
        transposeA: false, transposeB: true, m: batch, n: hidden, k: hidden, alpha: 1, state, hidden, weights, hidden,
        beta: 1, other, hidden)
    } else {
      for sequence in 0..<batch {
        for index in 0..<hidden {
          let reset = functions[0](clipped(gate[sequence * rows + hidden + index]))
          other[sequence * hidden + index] = reset * state[sequence * hidden + index]
        }
      }
      backend.gemm(
        transposeA: false, transposeB: true, m: batch, n: hidden, k: hidden, alpha: 1, other, hidden, weights, hidden,
        beta: 1, gate + 2 * hidden, rows)
    }
  }

  private func clipped(_ x: Float) -> Float { clip.map { min(max(x, -$0), $0) } ?? x }

  /// Computes the state of one sequence and time from its gates.
  private func step(
    _ gate: UnsafeMutablePointer<Float>, _ state: UnsafeMutablePointer<Float>, _ memory: UnsafeMutablePointer<Float>,
    _ other: UnsafeMutablePointer<Float>, _ peepholes: UnsafePointer<Float>?, _ functions: [Function]
  ) {
    switch cell {
    case .rnn:
      for index in 0..<hidden { state[index] = functions[0](clipped(gate[index])) }
    case .gru:
      // The blocks are update, reset, hidden.
      for index in 0..<hidden {
        let update = functions[0](clipped(gate[index]))
        var candidate = gate[2 * hidden + index]
        if resetsProduct { candidate += functions[0](clipped(gate[hidden + index])) * other[index] }
        state[index] = (1 - update) * functions[1](clipped(candidate)) + update * state[index]
      }
    case .lstm:
      // The blocks are input, output, forget, cell; the peepholes are those of input, output, forget.
      for index in 0..<hidden {
        let old = memory[index]
        let p = peepholes.map { ($0[index], $0[hidden + index], $0[2 * hidden + index]) } ?? (0, 0, 0)
        let input = functions[0](clipped(gate[index] + p.0 * old))
        let forget = couplesGates ? 1 - input : functions[0](clipped(gate[2 * hidden + index] + p.2 * old))
        let new = forget * old + input * functions[1](clipped(gate[3 * hidden + index]))
        let output = functions[0](clipped(gate[hidden + index] + p.1 * new))
        memory[index] = new
        state[index] = output * functions[2](new)
      }
    }
  }
}
