/// Crops a feature map to the height and width of another.
///
/// Inputs: x `[batch, height, width, channels]` of any type; other: a feature map that is no larger, of which only the shape is used.
/// Output: `[batch, other height, other width, channels]`, from the middle or from the top left. From the middle, an odd difference crops
/// one more row below than above, as in the U-Net of Ronneberger et al. 2015. Exact.
public struct CropLike: Operator {
  public static let name = "CropLike"

  /// The position of the part that is kept.
  public enum Anchor: String, Hashable, Sendable {
    case center, topLeft
  }

  /// The position of the part that is kept.
  public let anchor: Anchor

  /// Makes the operator.
  public init(anchor: Anchor = .center) { self.anchor = anchor }

  public var latencyKind: String { "\(Self.name) \(anchor.rawValue)" }

  public var attributes: String { anchor.rawValue }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...2)
    let (x, other) = (inputs[0].shape, inputs[1].shape)
    try require(
      x.rank == 4 && other.rank == 4 && other.height <= x.height && other.width <= x.width,
      "\(x) cannot be cropped to the height and width of \(other)")
    return [TensorSpec([x.batch, other.height, other.width, x.channels], inputs[0].elementType)]
  }

  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost { Cost(reading: outputs, writing: outputs) }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    inputs[0] == outputs[0] ? 0 : nil
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0], context.outputs[0].shape)
    let strides = x.shape.viewStrides
    let (top, left) =
      switch anchor {
      case .center: ((x.shape.height - y.height) / 2, (x.shape.width - y.width) / 2)
      case .topLeft: (0, 0)
      }
    let axes = zip(y.dimensions, zip(strides, y.viewStrides)).map {
      StridedCopy.Axis(extent: $0, source: $1.0, target: $1.1)
    }
    let copy = StridedCopy(
      axes, elementType: x.elementType, from: x.shape, to: y, sourceOffset: strides[1] * top + strides[2] * left)
    return PreparedOperator { copy.run($0.input(0), $0.output(), over: $0.workers) }
  }
}

extension Value {
  /// Crops this feature map to the height and width of `other`.
  public func crop(
    like other: Value, anchor: CropLike.Anchor = .center, named name: String = "crop", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(CropLike(anchor: anchor), named: name, with: [other], file: file, line: line)
  }
}

extension CropLike {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard index == 0 else { return .none }
    let (x, y) = (inputs[0].shape, outputs[0].shape)
    func axis(_ from: Int, _ to: Int) -> AxisReach {
      .shifted(by: anchor == .center ? (from - to) / 2 : 0, of: from)
    }
    return .axes(height: axis(x.height, y.height), width: axis(x.width, y.width))
  }
}

extension CropLike: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    return context.only(
      context.outputGradient.apply(
        Pad(
          [1, 2].map { axis in
            let rest = x[axis] - y[axis]
            let before = anchor == .center ? rest / 2 : 0
            return Pad.Amount(axis: axis, before: before, after: rest - before)
          }), named: "input"))
  }
}
