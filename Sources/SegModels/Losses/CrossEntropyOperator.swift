import SegEngine

/// Cross-entropy of the softmax as an operator that computes value and gradient together in float32, with sums in Double.
///
/// Inputs: logits `[batch, height, width, classes]`, and targets, uint16 labels `[batch, height, width]`. Outputs: the value `[1]` and its
/// gradient with respect to the logits, of their shape. The order of sums does not depend on the number of threads.
struct CrossEntropyOperator: Operator, Differentiable {
  static let name = "CrossEntropy"

  let loss: CrossEntropyLoss

  init(_ loss: CrossEntropyLoss) { self.loss = loss }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let outputs = try LossOperator(loss).outputs(for: inputs)
    let classes = inputs[0].shape.channels
    guard classes > 1 else { throw ShapeError(Self.name, "\(LossError.oneChannel)") }
    if let weights = loss.classWeights, weights.count != classes {
      throw ShapeError(Self.name, "\(LossError.weightsDiffer(weights: weights.count, classes: classes))")
    }
    return outputs
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 8 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  func gradients(_ context: GradientContext) -> [Value?] { LossOperator.gradients(context) }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (rows, classes) = (context.inputs[0].shape.rows, context.inputs[0].shape.channels)
    let blocks = RowBlocks(rows: rows, channels: classes)
    let weights = (loss.classWeights ?? Array(repeating: 1, count: classes)).map { Float($0) }
    let isUniform = loss.classWeights == nil
    let ignored = loss.ignoreLabel
    let smoothing = Float(loss.labelSmoothing)
    let share = smoothing / Float(classes)
    let totalWeight = weights.reduce(0, +)
    let reduction = loss.reduction
    // For each block the sum of the weights, then the sum of the losses, and a label that is no class, or −1.
    return PreparedOperator(workspaceByteCount: blocks.count * 2 * MemoryLayout<Double>.stride) {
      (context: RunContext) throws(RunError) in
      let (logits, gradient) = (context.input(0), context.output(1))
      let labels = context.input(1).pointer(to: UInt16.self)
      let sums = context.workspace.assumingMemoryBound(to: Double.self)
      let kernels = context.kernels
      context.backend.workers.forEach(blocks.count) { block, _ in
        var (divisor, unknown) = (0.0, -1.0)
        for row in blocks[block] where labels[row] != ignored {
          if Int(labels[row]) < classes {
            divisor += Double(weights[Int(labels[row])])
          } else {
            unknown = Double(labels[row])
          }
        }
        sums[2 * block] = divisor
        sums[2 * block + 1] = unknown
      }
      var divisor = 0.0
      for block in 0..<blocks.count {
        divisor += sums[2 * block]
        if sums[2 * block + 1] >= 0 {
          throw RunError(Self.name, "\(LossError.unknownLabel(UInt16(sums[2 * block + 1]), classes: classes))")
        }
      }
      let scale: Float = reduction == .mean ? (divisor > 0 ? Float(1 / divisor) : 0) : 1
      context.backend.workers.forEach(blocks.count) { block, _ in
        let own = blocks[block]
        let target = gradient.floats + own.lowerBound * classes
        kernels.softmax(
          logarithm: true, logits.floats + own.lowerBound * logits.rowStride, xStride: logits.rowStride, target,
          yStride: classes, rows: own.count, channels: classes)
        var sum = 0.0
        for row in own where labels[row] != ignored {
          let (log, label) = (gradient.floats + row * classes, Int(labels[row]))
          sum -= Double((1 - smoothing) * weights[label] * log[label])
          if share > 0 { for channel in 0..<classes { sum -= Double(share * weights[channel] * log[channel]) } }
        }
        sums[2 * block] = sum
        kernels.map(.exp, target, target, count: own.count * classes)
        if isUniform {
          // Every pixel's probabilities have the factor (1 − ε) + ε = 1.
          withUnsafePointer(to: scale) {
            kernels.combine(.multiply, target, pStep: 1, $0, qStep: 0, target, count: own.count * classes)
          }
        }
        for row in own {
          let result = gradient.floats + row * classes
          guard labels[row] != ignored else {
            result.update(repeating: 0, count: classes)
            continue
          }
          let label = Int(labels[row])
          if !isUniform {
            let factor = scale * ((1 - smoothing) * weights[label] + share * totalWeight)
            for channel in 0..<classes { result[channel] *= factor }
          }
          if share > 0 { for channel in 0..<classes { result[channel] -= scale * share * weights[channel] } }
          result[label] -= scale * (1 - smoothing) * weights[label]
        }
      }
      var value = 0.0
      for block in 0..<blocks.count { value += sums[2 * block] }
      guard value.isFinite else { throw RunError(Self.name, "the loss is \(value): a logit is not finite") }
      context.output(0).floats[0] = Float(reduction == .mean ? (divisor > 0 ? value / divisor : 0) : value)
    }
  }
}

extension CrossEntropyLoss: GraphLoss {
  package func value(_ operands: LossOperands) -> Value { operands.apply(CrossEntropyOperator(self)) }
}
