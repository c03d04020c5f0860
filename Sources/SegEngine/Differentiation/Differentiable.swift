/// An operator that says which operators compute the gradients of its inputs.
///
/// Gradients are those of a scalar, the loss: the gradient of a value has the value's shape and holds the derivative of the loss with
/// respect to each element.
public protocol Differentiable: Operator {
  /// Adds the operators that compute the gradients with respect to the inputs, and returns them by input.
  ///
  /// - Returns: A gradient of the input's shape for each input; `nil` where it is zero or not asked for
  ///   (``GradientContext/requiresGradient``).
  func gradients(_ context: GradientContext) -> [Value?]
}

/// A node of a graph whose gradients are added to the graph.
public struct GradientContext {
  /// The node's inputs.
  public let inputs: [Value]
  /// The node's outputs.
  public let outputs: [Value]
  /// The gradients with respect to the outputs; `nil` for outputs on which the loss does not depend.
  public let outputGradients: [Value?]
  /// The inputs whose gradients are asked for.
  public let requiresGradient: [Bool]
  /// The operators that compute values of the graph, with their inputs.
  private let producers: (Graph.ValueID) -> Graph.Node?

  init(
    inputs: [Value], outputs: [Value], outputGradients: [Value?], requiresGradient: [Bool],
    producers: @escaping (Graph.ValueID) -> Graph.Node?
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.outputGradients = outputGradients
    self.requiresGradient = requiresGradient
    self.producers = producers
  }

  /// The graph's builder.
  public var graph: GraphBuilder { inputs[0].graph }

  /// The gradient with respect to output 0, for operators of one output.
  ///
  /// - Precondition: the loss depends on output 0.
  public var outputGradient: Value {
    guard let gradient = outputGradients[0] else { preconditionFailure("the loss does not depend on output 0") }
    return gradient
  }

  /// Returns the operator that computes a value, with its inputs; `nil` for inputs, constants and variables.
  func producer(of value: Value) -> (operator: any Operator, inputs: [Graph.ValueID])? {
    producers(value.id).map { ($0.operator, $0.inputs) }
  }

  /// Returns the gradients of which only input 0 has one.
  func only(_ gradient: @autoclosure () -> Value) -> [Value?] {
    [requiresGradient[0] ? gradient() : nil] + inputs.dropFirst().map { _ in nil }
  }
}

/// An error in the gradients of a graph.
public enum GradientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// An operator on the way from the loss to a value has no gradient.
  case notDifferentiable(node: String, operator: String)
  /// The loss is not one float32 number.
  case notScalar(TensorSpec)
  /// An operator's gradient does not fit the value. `reason` names both.
  case failed(node: String, reason: String)

  public var description: String {
    switch self {
    case .notDifferentiable(let node, let name): "\(node): the operator \(name) has no gradient"
    case .notScalar(let spec): "a loss is one float32 number, not \(spec)"
    case .failed(let node, let reason): "\(node): \(reason)"
    }
  }
}

extension GradientContext {
  /// Returns the gradient before the function that an operator applies to its result.
  ///
  /// - Parameter plain: Makes the operator without the function. It runs again where the derivative is no function of the output.
  func gradient(before function: ElementwiseFunction, _ plain: () -> some Operator) -> Value {
    guard function != .identity else { return outputGradient }
    let source =
      function.valueTellsDerivative
      ? outputs[0] : inputs[0].apply(plain(), named: "operand", with: Array(inputs.dropFirst()))
    return outputGradient.apply(ElementwiseGradient(function), named: function.name, with: [source])
  }
}

extension Value {
  /// Sums the gradient over the axes along which an operand of `shape` was broadcast.
  func summed(to shape: Shape) -> Value {
    guard self.shape != shape else { return self }
    let missing = self.shape.rank - shape.rank
    let axes = (0..<self.shape.rank).filter { axis in
      axis < missing || (shape[axis - missing] == 1 && self.shape[axis] != 1)
    }
    let sum = axes.isEmpty ? self : reduce(.sum, axes: axes, named: "sum")
    return sum.reshape(to: shape)
  }

  /// Reshapes the value to a shape of as many elements.
  func reshape(to shape: Shape) -> Value { self.shape == shape ? self : reshape(shape.dimensions) }

  /// Multiplies the value by a number.
  func scaled(by factor: Float) -> Value {
    factor == 1 ? self : combine(.multiply, graph.constant(Tensor([1], [factor])), named: "scale")
  }
}

extension GradientContext {
  /// Returns whether a value is the constant 1, the gradient of the loss with respect to itself.
  package func isOne(_ value: Value) -> Bool {
    var id = value.id
    while let producer = producers(id), producer.operator is Reshape { id = producer.inputs[0] }
    guard case .constant(let tensor) = graph.source(of: Value(builder: graph, id: id)), tensor.count == 1,
      tensor.elementType == .float32
    else { return false }
    return tensor.elements(of: Float.self)[0] == 1
  }
}
