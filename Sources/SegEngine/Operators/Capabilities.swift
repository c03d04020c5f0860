// What passes may ask of an operator. An operator takes part in a rewrite by conforming, in its own file.

/// An operator that multiplies each channel by a number and adds another, both known when compiling (batch normalisation).
protocol ChannelAffine: Operator {
  /// The scale and shift of each channel, where the constants are known.
  func channelAffine(constants: [Tensor?]) -> (scale: [Float], shift: [Float])?
}

/// An operator whose weights can take a scale and shift of its output channels.
protocol ChannelAffineAbsorbing: Operator {
  /// The operator and its constant inputs from input 1 on that give `scale · output + shift`, where the constants are known.
  func absorbing(scale: [Float], shift: [Float], constants: [Tensor?]) -> (operator: any Operator, constants: [Tensor])?
}

/// An operator that is one function of each element.
protocol Pointwise: Operator {
  /// The function.
  var function: ElementwiseFunction { get }
}

/// An operator that can apply a function to its output before the output leaves the cache.
protocol FunctionAbsorbing: Operator {
  /// The operator followed by the function, or `nil` where it applies one already.
  func absorbing(_ function: ElementwiseFunction) -> (any Operator)?
}

/// An operator that can add a map of its output's shape, as a further last input, before its output leaves the cache.
protocol ResidualAbsorbing: Operator {
  /// The operator with the further input, or `nil` where it adds one already or applies a function before the sum.
  func absorbingResidual() -> (any Operator)?
}

/// An operator that adds two tensors element by element, and nothing else.
protocol PlainSum: Operator {
  /// Whether this is the sum, without a function after it.
  var isPlainSum: Bool { get }
}
