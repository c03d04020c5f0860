// What rewrites may ask of an operator. An operator takes part in a rewrite by conforming, in its own file; one that conforms to none of
// these is left as it is.

/// An operator that multiplies each channel of its one computed input by a number and adds another, both known when compiling (batch
/// normalisation, a sum or product with constants).
public protocol ChannelAffine: Operator {
  /// The scale and shift of each of `channels` channels, where the constants are known.
  func channelAffine(constants: [Tensor?], channels: Int) -> (scale: [Float], shift: [Float])?
}

/// An operator whose weights can take a scale and shift of its output channels.
public protocol ChannelAffineAbsorbing: Operator {
  /// The operator and its constant inputs from input 1 on that give `scale · output + shift`, where the constants are known.
  func absorbing(scale: [Float], shift: [Float], constants: [Tensor?]) -> (operator: any Operator, constants: [Tensor])?
}

/// An operator that is one function of each element.
public protocol Pointwise: Operator {
  /// The function.
  var function: ElementwiseFunction { get }
}

/// An operator that can apply a function to its output before the output leaves the cache.
public protocol FunctionAbsorbing: Operator {
  /// The operator followed by the function, or `nil` where it applies one already.
  func absorbing(_ function: ElementwiseFunction) -> (any Operator)?
}

/// An operator that can add a map of its output's shape, as a further last input, before its output leaves the cache.
public protocol ResidualAbsorbing: Operator {
  /// The operator with the further input, or `nil` where it adds one already or applies a function before the sum.
  func absorbingResidual() -> (any Operator)?
}

/// An operator that joins two tensors element by element, with broadcasting.
public protocol BinaryArithmetic: Operator {
  /// What it does.
  var operation: BinaryOperation { get }
  /// What it applies to the result.
  var function: ElementwiseFunction { get }
}

/// An operator that moves elements and changes none, so that two of them can be one.
public protocol Movement: Operator {
  /// Returns the operator that computes from input 0 of `producer` what `producer` followed by this operator computes, or `nil`.
  ///
  /// - Parameters:
  ///   - producer: The operator that computes input 0 of this one.
  ///   - inputs: Shapes and types of the inputs of `producer`.
  ///   - outputs: Shapes and types of the outputs of this operator.
  func composed(after producer: any Operator, inputs: [TensorSpec], outputs: [TensorSpec]) -> (any Operator)?
}

/// An operator whose outputs consist of elements of its inputs: it moves, repeats and leaves out, and changes none.
public protocol ElementSelecting: Operator {
  /// Returns the inputs that elements come from; none where the operator does anything else for these shapes.
  func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int]
}

/// An operator that puts the axes of its input in another order.
public protocol AxisPermuting: Operator {
  /// Axis i of the output is the input's axis `permutation[i]`.
  var permutation: [Int] { get }
}

/// An operator that can write its output with the axes in another order.
public protocol PermutationAbsorbing: Operator {
  /// Returns the operator whose output is that of this one with its axes permuted, or `nil`.
  ///
  /// - Parameters:
  ///   - permutation: The order of the axes: axis i of the new output is this output's axis `permutation[i]`.
  ///   - inputs: Shapes and types of this operator's inputs.
  func absorbing(permutation: [Int], inputs: [TensorSpec]) -> (any Operator)?
}

/// An operator that can compute what another makes of its output, as a further output.
public protocol ConsumerAbsorbing: Operator {
  /// The operator that gives this one's output and then the output of `consumer` for it, or `nil`.
  func computingAlso(_ consumer: any Operator) -> (any Operator)?
}

/// An operator that treats each channel of a feature map `[batch, height, width, channels]` by itself and all alike.
public protocol PlaneWise: Operator {
  /// The operator of one input that does the same to each channel as a map of its own: it takes
  /// `[batch · channels, height, width, 1]`. `nil` where there is none.
  ///
  /// - Parameters:
  ///   - input: Shape and type of input 0.
  ///   - output: Those of the output.
  func perPlane(input: TensorSpec, output: TensorSpec) -> (any Operator)?
}

/// An operator that is a convolution, or a transposed one: of input 0 with the weights at input 1, in the layout that ``Convolution``
/// and ``TransposedConvolution`` state, plus a bias at input 2 where there is one, plus a residual map as the last input where there is
/// one, with a function of the sum.
public protocol Convolving: Operator {
  /// Whether it is transposed.
  var direction: ConvolutionDirection { get }
  /// Kernel, stride, dilation, padding and groups.
  var geometry: ConvolutionGeometry { get }
  /// Rows at the bottom and columns at the right that are added to a transposed convolution's output; 0 for others.
  var outputPadding: Extent2D { get }
  /// Applied to the sum.
  var function: ElementwiseFunction { get }
  /// Whether the last input is a map of the output's shape that is added.
  var addsResidual: Bool { get }
}

/// An operator that multiplies matrices, a pair for each index of the outer axes, as ``MatMul`` does.
public protocol MatrixProduct: Operator {
  /// Whether the last two axes of input 0 are exchanged.
  var transposesA: Bool { get }
  /// Whether the last two axes of input 1 are exchanged.
  var transposesB: Bool { get }
}

/// An operator that computes the softmax along an axis, or its logarithm.
public protocol SoftmaxNormalizing: Operator {
  /// The axis; negative counts from the end.
  var axis: Int { get }
  /// Whether the logarithm is given.
  var isLogarithm: Bool { get }
}

/// An operator that puts zeros around a feature map.
public protocol ZeroPadding: Operator {
  /// The rows and columns of zeros around input 0, none negative, where that is all that it does.
  func zeroPadding(inputs: [TensorSpec], outputs: [TensorSpec]) -> Padding2D?
}

/// An operator that can take zeros around its input 0 as its own padding.
public protocol PaddingAbsorbing: Operator {
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
public protocol ProducerAbsorbing: Operator {
  /// Returns the operator that takes input 0 of `producer`, followed by the inputs of this operator except the one at `input`, and computes
  /// that one itself; `nil` if there is none.
  ///
  /// - Parameters:
  ///   - producer: The operator that computes the input at `input`.
  ///   - input: The index of the input that `producer` computes.
  ///   - inputs: Shapes and types of this operator's inputs.
  func absorbing(_ producer: any Operator, at input: Int, inputs: [TensorSpec]) -> (any Operator)?
}

/// An operator that changes the elements along an axis, but not which of them is larger.
public protocol OrderPreserving: Operator {
  /// Whether that is so along `axis` of an input of a shape.
  func preservesOrder(along axis: Int, of shape: Shape) -> Bool
}

/// An operator of input 0 that asks nothing of it but which element along an axis is the largest.
public protocol OrderReading: Operator {
  /// The axis; negative counts from the end.
  var axis: Int { get }
}

/// An operator whose output is its inputs side by side (a concatenation), so that an input that is computed in its place need not
/// be copied. While it runs, it leaves alone those whose memory is their place in the output.
public protocol Joining: Operator {
  /// The axis along which they are joined; negative counts from the end.
  var axis: Int { get }
  /// Where in the output each input begins, its rows as far apart as the output's; `nil` where an input is more than one run of
  /// such rows.
  func partOffsets(inputs: [TensorSpec], outputs: [TensorSpec]) -> [ViewStride]?
}

/// An operator whose outputs are parts of input 0 as they stand there (a split), so that they can be read where they are.
public protocol Splitting: Operator {
  /// The axis along which the outputs follow each other and make up the whole input; `nil` where they do not.
  var partAxis: Int? { get }
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
