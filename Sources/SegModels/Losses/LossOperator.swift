import SegEngine

/// A loss as an operator of a graph.
///
/// Inputs: logits `[batch, height, width, classes]`, and targets, uint16 labels `[batch, height, width]`. Outputs: the value `[1]` and its
/// gradient with respect to the logits, of their shape, which are computed together.
package struct LossOperator: Operator {
  package static let name = "Loss"

  /// The loss.
  package let loss: any SegmentationLoss

  /// Makes the operator.
  package init(_ loss: any SegmentationLoss) { self.loss = loss }

  package var attributes: String { "\(type(of: loss))" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    guard inputs.count == 2, inputs[0].shape.rank == 4, inputs[0].elementType == .float32 else {
      throw ShapeError(Self.name, "takes float32 logits [batch, height, width, classes] and targets")
    }
    let targets = TensorSpec(Shape(Array(inputs[0].shape.dimensions.dropLast())), .uint16)
    guard inputs[1] == targets else {
      throw ShapeError(Self.name, "the targets of logits \(inputs[0]) are \(targets), not \(inputs[1])")
    }
    return [TensorSpec([1]), inputs[0]]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 8 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let loss = loss
    return PreparedOperator { (context: RunContext) throws(RunError) in
      let (logits, targets) = (context.input(0), context.input(1))
      let (height, width) = (logits.shape.height, logits.shape.width)
      let labels = targets.pointer(to: UInt16.self)
      let maps = (0..<logits.shape.batch).map { image in
        LabelMap(
          width: width, height: height,
          labels: Array(UnsafeBufferPointer(start: labels + image * height * width, count: height * width)))
      }
      let tensor = Tensor(logits.shape, of: .float32, borrowing: logits.base, owner: Unowned.shared)
      let value: LossValue
      do throws(LossError) {
        value = try loss.evaluate(tensor, maps, gradient: true, on: context.backend.workers)
      } catch {
        throw RunError(LossOperator.name, "\(error)")
      }
      context.output(0).floats[0] = Float(value.value)
      guard let gradient = value.gradient else { preconditionFailure("\(type(of: loss)) gave no gradient") }
      gradient.withUnsafeBytes {
        context.output(1).base.copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
    }
  }
}

/// An owner for memory that outlives a call anyway.
private final class Unowned: Sendable {
  static let shared = Unowned()
}

extension LossOperator: Differentiable {
  package func gradients(_ context: GradientContext) -> [Value?] { LossOperator.gradients(context) }

  /// Returns the gradient of an operator whose output 1 is the gradient of its output 0 with respect to the logits.
  static func gradients(_ context: GradientContext) -> [Value?] {
    guard let factor = context.outputGradients[0] else { return [nil, nil] }
    let gradient = context.outputs[1]
    return [context.isOne(factor) ? gradient : gradient.combine(.multiply, factor, named: "input"), nil]
  }
}
