/// Resizes a feature map to another height and width by nearest-pixel or interpolated sampling.
///
/// Inputs: x `[batch, height, width, channels]`, and for ``Target/like`` another feature map of which only the shape is used.
/// Output: `[batch, outHeight, outWidth, channels]`, float32; nearest-pixel sampling takes any element type.
///
/// The output at index i has the source coordinate s = scale · i (asymmetric, and aligned corners with
/// scale = (in − 1) / (out − 1)) or s = scale · (i + 1/2) − 1/2 (half-pixel), scale = in / out unless a given factor is used.
/// Coordinates are computed in float32, as PyTorch's `interpolate` computes them, so that both choose the same pixels. Weights
/// are applied along the height first and then along the width; in narrow maps that grow, along the width first. Values agree with the
/// definition to 2e-6 of the largest neighbour (bicubic 4e-6), plus the slope times the rounding of the coordinate.
///
/// With ``antialiases`` the kernel widens by the scale where the map shrinks, and bicubic is Keys' kernel with a = −1/2. Taps outside the
/// map are left out, and the other weights are normalised to sum to one (the rule of PyTorch's `antialias=True` and of Pillow).
public struct Resize: Operator {
  public static let name = "Resize"

  /// The interpolation between pixels.
  public enum Interpolation: String, Hashable, Sendable, CaseIterable {
    /// The pixel at ⌊scale · i⌋ (PyTorch's `nearest`); ``Resize/Coordinates`` have no effect.
    case nearest
    /// The pixel whose center is nearest: ⌊scale · (i + 1/2)⌋ (PyTorch's `nearest-exact`); ``Resize/Coordinates`` have no effect.
    case nearestExact
    /// Two pixels along each axis.
    case bilinear
    /// Four pixels along each axis, Keys' kernel with a = −3/4.
    case bicubic
  }

  /// The mapping from output to input coordinates.
  public enum Coordinates: String, Hashable, Sendable, CaseIterable {
    /// Pixels are areas; the borders of input and output coincide (`align_corners=False`).
    case halfPixel
    /// Pixels are points; the first and the last of input and output coincide (`align_corners=True`).
    case alignCorners
    /// Pixels are points; the first of input and output coincide.
    case asymmetric
  }

  /// The height and width of the output.
  public enum Target: Hashable, Sendable {
    /// The given size.
    case size(Extent2D)
    /// ⌊in · factor⌋. Coordinates use the factor itself, or in / out with `recomputingScale` (PyTorch's
    /// `recompute_scale_factor`); they differ where in · factor is not an integer.
    case scale(height: Double, width: Double, recomputingScale: Bool)
    /// The size of input 1.
    case like
  }

  /// The interpolation between pixels.
  public let interpolation: Interpolation
  /// The mapping from output to input coordinates.
  public let coordinates: Coordinates
  /// The height and width of the output.
  public let target: Target
  /// Whether an output is computed from all inputs that it covers.
  public let antialiases: Bool

  /// Makes the operator.
  ///
  /// - Precondition: factors are positive and finite. Antialiasing is bilinear or bicubic, with half-pixel coordinates.
  public init(
    _ interpolation: Interpolation, coordinates: Coordinates = .halfPixel, antialiasing: Bool = false, to target: Target
  ) {
    precondition(
      !antialiasing || (coordinates == .halfPixel && (interpolation == .bilinear || interpolation == .bicubic)),
      "antialiasing interpolates between half pixels")
    if case .scale(let height, let width, _) = target {
      precondition(
        height > 0 && width > 0 && height.isFinite && width.isFinite, "factors are positive: \(height), \(width)")
    }
    self.interpolation = interpolation
    self.coordinates = coordinates
    self.target = target
    antialiases = antialiasing
  }

  public var latencyKind: String { "\(Self.name) \(interpolation.rawValue)" }

  public var attributes: String {
    let size =
      switch target {
      case .size(let size): " to \(size.height)×\(size.width)"
      case .scale(let height, let width, _): height == width ? " ×\(height)" : " ×(\(height), \(width))"
      case .like: ""
      }
    let isNearest = interpolation == .nearest || interpolation == .nearestExact
    return interpolation.rawValue + (antialiases ? " antialiased" : "")
      + (isNearest || coordinates == .halfPixel ? "" : " \(coordinates.rawValue)") + size
  }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, target == .like ? 2...2 : 1...1)
    let x = inputs[0].shape
    switch interpolation {
    case .nearest, .nearestExact:
      try require(x.rank == 4, "takes a feature map [batch, height, width, channels], not \(inputs[0])")
    case .bilinear, .bicubic: try requireFeatureMap(inputs[0])
    }
    let size: Extent2D
    switch target {
    case .size(let wanted): size = wanted
    case .scale(let height, let width, _):
      let (h, w) = ((Double(x.height) * height).rounded(.down), (Double(x.width) * width).rounded(.down))
      try require(max(h, w) < 0x1p31, "would give \(h)×\(w) pixels for \(x)")
      size = Extent2D(height: Int(h), width: Int(w))
    case .like:
      try require(
        inputs[1].shape.rank == 4, "\(x) cannot be resized like \(inputs[1].shape), which is no feature map")
      size = Extent2D(height: inputs[1].shape.height, width: inputs[1].shape.width)
    }
    try require(
      x.height > 0 && x.width > 0 && size.height > 0 && size.width > 0,
      "\(x) cannot be resized to \(size.height)×\(size.width) pixels")
    return [TensorSpec(try shape([x.batch, size.height, size.width, x.channels]), inputs[0].elementType)]
  }

  /// Computes the cost: a multiplication and an addition per tap and output, for both passes.
  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let (x, y) = (inputs[0].shape, outputs[0].shape)
    let vertical = y.batch * y.height * x.width * y.channels
    guard interpolation == .bilinear || interpolation == .bicubic else {
      return Cost(reading: [inputs[0]], writing: outputs)
    }
    return Cost(
      otherOperations: 2 * (tapCount(x.height, y.height) * vertical + tapCount(x.width, y.width) * y.elementCount),
      reading: [inputs[0]], writing: outputs)
  }

  /// Returns the number of taps along an axis.
  private func tapCount(_ input: Int, _ output: Int) -> Int {
    let reach = interpolation == .bicubic ? 2 : 1
    guard antialiases, input > output else { return antialiases ? 2 * reach + 1 : 2 * reach }
    return 2 * Int((Float(reach) * Float(input) / Float(output)).rounded(.up)) + 1
  }

  public var takesRowStrides: Bool { true }

  public func forwardedInput(inputs: [TensorSpec], outputs: [TensorSpec]) -> Int? {
    guard inputs[0] == outputs[0], interpolation != .bicubic else { return nil }
    // With a factor that is not recomputed, coordinates can change even if the size does not.
    if case .scale(let height, let width, recomputingScale: false) = target, height != 1 || width != 1 { return nil }
    return 0
  }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    if context.inputs[0].elementType != .float32 {
      let (rows, columns) = taps(from: x, to: y)
      return Resize.copyingPixels(rows.indices.map { $0[0] }, columns.indices.map { $0[0] })
    }
    if isByColumns(from: x, to: y) {
      let columns = ResizeColumns(self, from: x, to: y)
      return PreparedOperator(workspaceByteCount: context.workers.threadCount * columns.byteCount) { context in
        let (x, y) = (context.input(0), context.output())
        // Each range recomputes the input rows that it shares with the range before, so ranges are not too small.
        let grain = max(16, 32768 / (y.shape.width * y.shape.channels))
        context.workers.forEachRange(y.shape.batch * y.shape.height, grain: grain) { range, worker in
          columns.rows(range, of: x, y, in: context.workspace + worker * columns.byteCount, on: context.device)
        }
      }
    }
    let lines = ResizeLines(self, from: x, to: y)
    return PreparedOperator(workspaceByteCount: context.workers.threadCount * lines.byteCount) { context in
      let (x, y) = (context.input(0), context.output())
      let (width, device) = (y.shape.width, context.device)
      device.workers.forEachRange(y.shape.batch * y.shape.height, grain: max(1, 16384 / max(1, lines.work))) {
        range, worker in
        for row in range {
          let line = lines.line(row, of: x, in: context.workspace + worker * lines.byteCount, on: device)
          lines.pixels(
            0..<width, of: line, y.floats + row * width * y.rowStride, yStride: y.rowStride, on: device)
        }
      }
    }
  }

  /// The number of channels below which a map is narrow: a pixel is smaller than a vector register.
  static let narrow = 8

  /// Returns whether the width is resized first (``ResizeColumns``).
  func isByColumns(from x: Shape, to y: Shape) -> Bool { x.channels < Resize.narrow && y.height >= x.height }

  /// Prepares nearest-pixel sampling, which copies bytes.
  private static func copyingPixels(_ rows: [Int], _ columns: [Int]) -> PreparedOperator {
    let (rows, columns) = (ContiguousArray(rows), ContiguousArray(columns))
    return PreparedOperator { context in
      let (x, y) = (context.input(0), context.output())
      let size = x.spec.elementType.byteCount
      let pixel = x.shape.channels * size
      let (height, width) = (x.shape.height, x.shape.width)
      context.workers.forEachRange(y.shape.batch * rows.count, grain: max(1, 16384 / columns.count)) {
        range, _ in
        for row in range {
          let (image, outRow) = row.quotientAndRemainder(dividingBy: rows.count)
          let source = x.base + (image * height + rows[outRow]) * width * x.rowStride * size
          let target = y.base + row * columns.count * y.rowStride * size
          for column in columns.indices {
            (target + column * y.rowStride * size).copyMemory(
              from: source + columns[column] * x.rowStride * size, byteCount: pixel)
          }
        }
      }
    }
  }

  /// The input indices and weights of each output along one axis.
  struct Taps {
    var taps: Int
    var indices: [[Int]] = []
    var weights: [[Float]] = []

    /// Returns the taps of the transposed map, which sums for each of `count` inputs what its outputs make of it.
    func transposed(to count: Int) -> Taps {
      var (indices, weights) = ([[Int]](repeating: [], count: count), [[Float]](repeating: [], count: count))
      for output in self.indices.indices {
        for (input, weight) in zip(self.indices[output], self.weights[output]) where weight != 0 {
          if indices[input].last == output {
            weights[input][weights[input].count - 1] += weight
          } else {
            indices[input].append(output)
            weights[input].append(weight)
          }
        }
      }
      let most = max(1, indices.map(\.count).max() ?? 1)
      for input in 0..<count {
        // A missing tap reads what another tap of the input reads, with weight 0.
        let filler = indices[input].last ?? 0
        while indices[input].count < most {
          indices[input].append(filler)
          weights[input].append(0)
        }
      }
      return Taps(taps: most, indices: indices, weights: weights)
    }
  }

  /// Computes the taps of both axes.
  func taps(from x: Shape, to y: Shape) -> (rows: Taps, columns: Taps) {
    var factors: (height: Double?, width: Double?)
    if case .scale(let height, let width, recomputingScale: false) = target { factors = (height, width) }
    return (
      taps(from: x.height, to: y.height, factor: factors.height),
      taps(from: x.width, to: y.width, factor: factors.width)
    )
  }

  /// Returns the input row of each output row, and the input column of each output column, of nearest-pixel sampling.
  package func nearestPixels(from x: Shape, to y: Shape) -> (rows: [Int], columns: [Int]) {
    let (rows, columns) = taps(from: x, to: y)
    return (rows.indices.map { $0[0] }, columns.indices.map { $0[0] })
  }

  /// Returns the resize to a fixed size, without the input that provides the size.
  func fixed(to output: Shape) -> Resize {
    guard target == .like else { return self }
    return Resize(
      interpolation, coordinates: coordinates, antialiasing: antialiases,
      to: .size(Extent2D(height: output.height, width: output.width)))
  }

  private func taps(from input: Int, to output: Int, factor: Double?) -> Taps {
    let recomputed = Float(input) / Float(output)
    let scale: Float =
      if coordinates == .alignCorners && (interpolation == .bilinear || interpolation == .bicubic) {
        output > 1 ? Float(input - 1) / Float(output - 1) : 0
      } else {
        factor.map { Float(1 / $0) } ?? recomputed
      }
    func coordinate(_ index: Int) -> Float {
      coordinates == .halfPixel ? scale * (Float(index) + 0.5) - 0.5 : scale * Float(index)
    }
    func inside(_ index: Int) -> Int { min(max(index, 0), input - 1) }
    if antialiases { return antialiasedTaps(from: input, to: output, scale: scale) }
    switch interpolation {
    case .nearest, .nearestExact:
      let offset: Float = interpolation == .nearest ? 0 : 0.5
      let indices = (0..<output).map { [inside(Int((scale * (Float($0) + offset)).rounded(.down)))] }
      return Taps(taps: 1, indices: indices, weights: Array(repeating: [1], count: output))
    case .bilinear:
      var taps = Taps(taps: 2)
      for index in 0..<output {
        let position = max(coordinate(index), 0)
        let first = inside(Int(position.rounded(.down)))
        let share = min(max(position - Float(first), 0), 1)
        taps.indices.append([first, inside(first + 1)])
        taps.weights.append([1 - share, share])
      }
      return input == output ? taps.simplified() : taps
    case .bicubic:
      let kernel = InterpolationKernel.cubic(a: -0.75)
      var taps = Taps(taps: 4)
      for index in 0..<output {
        let position = coordinate(index)
        let first = Int(position.rounded(.down))
        let share = min(max(position - Float(first), 0), 1)
        taps.indices.append((-1...2).map { inside(first + $0) })
        taps.weights.append([1 + share, share, 1 - share, 2 - share].map(kernel.weight))
      }
      return taps
    }
  }

  /// Computes the taps whose centers are within the kernel's radius of the output's center.
  private func antialiasedTaps(from input: Int, to output: Int, scale: Float) -> Taps {
    let kernel: InterpolationKernel = interpolation == .bicubic ? .cubic(a: -0.5) : .triangle
    var taps = Taps(taps: 2 * Int((Float(kernel.radius) * max(scale, 1)).rounded(.up)) + 1)
    for index in 0..<output {
      let (first, all) = kernel.antialiasedTaps(at: index, scale: scale, extent: input)
      let weights = all.prefix(taps.taps)
      let sum = weights.reduce(0, +)
      let missing = taps.taps - weights.count
      taps.indices.append(Array(first..<first + weights.count) + Array(repeating: first, count: missing))
      taps.weights.append(weights.map { $0 / sum } + Array(repeating: 0, count: missing))
    }
    return taps
  }
}

extension Resize.Taps {
  /// Returns one tap per output if every output equals an input.
  fileprivate func simplified() -> Resize.Taps {
    guard weights.allSatisfy({ $0[0] == 1 }) else { return self }
    return Resize.Taps(taps: 1, indices: indices.map { [$0[0]] }, weights: weights.map { [$0[0]] })
  }
}

extension Resize: PlaneWise {
  public func perPlane(input: TensorSpec, output: TensorSpec) -> (any Operator)? {
    Resize(
      interpolation, coordinates: coordinates, antialiasing: antialiases,
      to: target == .like ? .size(Extent2D(height: output.shape.height, width: output.shape.width)) : target)
  }
}

extension Value {
  /// Resizes the feature map to a height and width.
  public func resize(
    to size: Extent2D, _ interpolation: Resize.Interpolation = .bilinear,
    coordinates: Resize.Coordinates = .halfPixel, named name: String = "resize", file: StaticString = #fileID,
    line: UInt = #line
  ) -> Value {
    apply(Resize(interpolation, coordinates: coordinates, to: .size(size)), named: name, file: file, line: line)
  }

  /// Resizes the feature map to the height and width of another.
  public func resize(
    like other: Value, _ interpolation: Resize.Interpolation = .bilinear,
    coordinates: Resize.Coordinates = .halfPixel, antialiasing: Bool = false, named name: String = "resize",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    apply(
      Resize(interpolation, coordinates: coordinates, antialiasing: antialiasing, to: .like), named: name,
      with: [other], file: file, line: line)
  }

  /// Resizes the feature map by a factor; see ``Resize/Target/scale(height:width:recomputingScale:)``.
  public func resize(
    by factor: Double, _ interpolation: Resize.Interpolation = .bilinear,
    coordinates: Resize.Coordinates = .halfPixel, recomputingScale: Bool = false, named name: String = "resize",
    file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let target = Resize.Target.scale(height: factor, width: factor, recomputingScale: recomputingScale)
    return apply(Resize(interpolation, coordinates: coordinates, to: target), named: name, file: file, line: line)
  }
}

extension Resize {
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    guard index == 0 else { return .none }
    let (rows, columns) = taps(from: inputs[0].shape, to: outputs[0].shape)
    func axis(_ taps: Taps, _ extent: Int) -> AxisReach {
      // An input of weight 0 is not in the receptive field.
      .table(zip(taps.indices, taps.weights).map { zip($0, $1).filter { $0.1 != 0 }.map(\.0) }, of: extent)
    }
    return .axes(height: axis(rows, inputs[0].shape.height), width: axis(columns, inputs[0].shape.width))
  }
}

extension Resize: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    let x = inputs[0].properties
    var axes = [AxisMeaning].following(Array(inputs.prefix(1)), to: outputs[0])
    // A map with unknown axes that is resized like the image gets the image's axes.
    if case .like = target, inputs.count == 2, inputs[1].axes.count == 4 {
      for axis in 1...2 where axes[axis] == .unknown { axes[axis] = inputs[1].axes[axis] }
    }
    switch interpolation {
    case .nearest, .nearestExact:
      var y = x
      y.axes = axes
      y.relation = nil
      return [y]
    case .bilinear, .bicubic:
      // Weights sum to one, so elements that sum to one along another axis still do. Interpolated labels are not labels.
      var y = ValueProperties(range: x.range, axes: axes)
      if let axis = x.unitSumAxis, axis != 1, axis != 2 { y.unitSumAxis = axis }
      y.isLogProbability = x.isLogProbability
      return [y]
    }
  }
}

extension Resize: ElementSelecting {
  /// Returns the map, where pixels are copied.
  public func selectedInputs(inputs: [TensorSpec], outputs: [TensorSpec]) -> [Int] {
    interpolation == .nearest || interpolation == .nearestExact ? [0] : []
  }
}

extension Resize: Differentiable {
  public func gradients(_ context: GradientContext) -> [Value?] {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    let (rows, columns) = taps(from: x, to: y)
    return context.only(context.outputGradient.resamplingGradient(rows: rows, columns: columns, like: x))
  }
}
