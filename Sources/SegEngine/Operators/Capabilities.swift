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

/// An operator that moves elements and changes none, so that two of them can be one.
protocol Movement: Operator {
  /// The one operator that does to input 0 of `producer` what `producer` and then this do, or `nil`.
  ///
  /// - Parameters:
  ///   - inputs: Shapes and types of the inputs of `producer`.
  ///   - outputs: Those of the outputs of this operator.
  func composed(after producer: any Operator, inputs: [TensorSpec], outputs: [TensorSpec]) -> (any Operator)?
}

/// An operator that puts zeros around a feature map.
protocol ZeroPadding: Operator {
  /// The rows and columns of zeros around input 0, none negative, where that is all that it does.
  func zeroPadding(inputs: [TensorSpec], outputs: [TensorSpec]) -> Padding2D?
}

/// An operator that can take zeros around its input 0 as its own padding.
protocol PaddingAbsorbing: Operator {
  /// The operator for the input without the zeros, or `nil` where its padding means something else.
  func absorbing(_ padding: Padding2D) -> (any Operator)?
}

extension Padding2D {
  /// What lies around where one padding lies around the other.
  static func + (a: Padding2D, b: Padding2D) -> Padding2D {
    Padding2D(top: a.top + b.top, left: a.left + b.left, bottom: a.bottom + b.bottom, right: a.right + b.right)
  }
}

/// An operator that can compute one of its operands itself, some pixels at a time.
protocol ProducerAbsorbing: Operator {
  /// The operator that takes input 0 of `producer`, and then its own inputs without the one at `input`, which is what `producer`
  /// gives; `nil` where there is none such.
  ///
  /// - Parameter inputs: Shapes and types of this operator's inputs.
  func absorbing(_ producer: any Operator, at input: Int, inputs: [TensorSpec]) -> (any Operator)?
}

/// An operator that changes the elements along an axis, but not which of them is larger.
protocol OrderKeeping: Operator {
  /// Whether that is so along `axis` of an input of a shape.
  func keepsOrder(along axis: Int, of shape: Shape) -> Bool
}

/// An operator of input 0 that asks nothing of it but which element along an axis is the largest.
protocol OrderReading: Operator {
  /// The axis; negative counts from the end.
  var axis: Int { get }
}

/// An operator whose output is its inputs side by side (a concatenation), so that an input that is computed in its place need not
/// be copied. While it runs, it leaves alone those whose memory is their place in the output.
protocol Joining: Operator {
  /// Where in the output each input begins, its rows as far apart as the output's; `nil` where an input is more than one run of
  /// such rows.
  func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]?
}

/// An operator whose outputs are parts of input 0 as they stand there (a split), so that they can be read where they are.
protocol Splitting: Operator {
  /// Where in input 0 each output begins, its rows as far apart as the input's; `nil` where an output is more than one run of
  /// such rows.
  func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]?
}

extension Shape {
  /// Where parts of the given extents, one after the other along an axis, begin in this shape, if each is one run of rows: the
  /// axis is the innermost, or nothing but axes of extent 1 stands outside it.
  func partOffsets(extents: [Int], along axis: Int) -> [ViewStride]? {
    guard let axis = normalizedAxis(axis), axis == rank - 1 || dimensions[..<axis].allSatisfy({ $0 == 1 }) else {
      return nil
    }
    let step = viewStrides[axis]
    var start = 0
    return extents.map { extent in
      defer { start += extent }
      return step * start
    }
  }
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
