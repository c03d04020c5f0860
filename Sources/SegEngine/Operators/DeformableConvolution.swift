/// Deformable convolution: each tap of the kernel reads the map at a place of its own, that the network computes (Dai et al. 2017,
/// equation 2), and with a mask each is weighted (Zhu et al. 2019, equation 1):
///
/// y[n, i, j, o] = b[o] + Σ over a, b, c of w[o, c, a, b] · m[n, i, j, t] · x(n, i·stride − padding + a·dilation + Δy[n, i, j, t], j·stride − … + Δx[n, i, j, t], c)
///
/// where x(…) is interpolated between four pixels, those outside the map being zeros, and t counts the taps a · kernelWidth + b of the
/// offset group that channel c is in.
///
/// Inputs: x `[batch, height, width, in]`; weight `[out, in / groups, kernelHeight, kernelWidth]`; offset
/// `[batch, outHeight, outWidth, offsetGroups · taps · 2]`, for each tap Δy and then Δx, in pixels; with ``isModulated`` mask
/// `[batch, outHeight, outWidth, offsetGroups · taps]`; optionally bias `[out]`. This is the order of channels of torchvision's
/// `deform_conv2d` and of ONNX's DeformConv. Output: `[batch, outHeight, outWidth, out]`, with extents by
/// ``ConvolutionGeometry/outputSize(of:roundingUp:)``. Tested to 1e-5 of Σ |w · x| against Double loops.
public struct DeformableConvolution: Operator {
  public static let name = "DeformableConvolution"

  /// Kernel, stride, dilation, padding and groups of the kernel where all offsets are 0.
  public let geometry: ConvolutionGeometry
  /// The number of groups of input channels that have offsets of their own.
  public let offsetGroups: Int
  /// Whether input 3 is a mask.
  public let isModulated: Bool
  /// The activation function of the result.
  public let function: ElementwiseFunction

  /// Makes the operator.
  public init(
    _ geometry: ConvolutionGeometry, offsetGroups: Int = 1, modulated isModulated: Bool = false,
    function: ElementwiseFunction = .identity
  ) {
    self.geometry = geometry
    self.offsetGroups = offsetGroups
    self.isModulated = isModulated
    self.function = function
  }

  public var attributes: String {
    "\(geometry)" + (offsetGroups == 1 ? "" : " offset groups \(offsetGroups)") + (isModulated ? " modulated" : "")
      + (function == .identity ? "" : " + \(function)")
  }

  fileprivate var taps: Int { geometry.kernel.height * geometry.kernel.width }

  public func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, isModulated ? 4...5 : 3...4)
    // The rules of x, weights and bias are those of a convolution.
    let bias = inputs.count == (isModulated ? 5 : 4) ? [inputs[inputs.count - 1]] : []
    let output: TensorSpec
    do throws(ShapeError) {
      output = try Convolution(geometry).outputs(for: Array(inputs.prefix(2)) + bias)[0]
    } catch {
      throw ShapeError(Self.name, error.reason)
    }
    try require(
      offsetGroups > 0 && inputs[0].shape.channels % offsetGroups == 0,
      "\(offsetGroups) offset groups do not fit the \(inputs[0].shape.channels) channels of \(inputs[0].shape)")
    func requireMap(_ index: Int, _ what: String, _ channels: Int) throws(ShapeError) {
      let wanted = TensorSpec(try shape([output.shape.batch, output.shape.height, output.shape.width, channels]))
      try require(inputs[index] == wanted, "\(what) of an output \(output.shape) is \(wanted), not \(inputs[index])")
    }
    try requireMap(2, "the offset", offsetGroups * taps * 2)
    if isModulated { try requireMap(3, "the mask", offsetGroups * taps) }
    return [output]
  }

  private func problem(_ inputs: [TensorSpec], _ outputs: [TensorSpec]) -> ConvolutionProblem {
    ConvolutionProblem(.forward, geometry, input: inputs[0].shape, output: outputs[0].shape)
  }

  /// Counts four products and three sums for each interpolated number. The operations that compute position and weights count once for each
  /// tap of an offset group.
  public func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let problem = problem(inputs, outputs)
    let places = problem.batch * problem.outputPixels * taps
    let results = outputs[0].shape.elementCount * (inputs.count - (isModulated ? 4 : 3) + function.operationCount)
    return Cost(
      macs: problem.macs,
      otherOperations: places * (7 * problem.inputChannels + (isModulated ? 16 : 12) * offsetGroups) + results,
      parameters: inputs[1].shape.elementCount + (inputs.count > (isModulated ? 4 : 3) ? outputs[0].shape.channels : 0),
      reading: inputs, writing: outputs)
  }

  public var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  public func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  public func prepare(_ context: PreparationContext) -> PreparedOperator {
    let problem = problem(context.inputs, context.outputs)
    let sampling = DeformableSampling(problem, offsetGroups: offsetGroups)
    let depth = taps * problem.groupInputs
    let packedCount = problem.outputChannels * depth
    let pieces = EvenPieces(
      problem.outputPixels, largest: max(32, min(512, (1 << 20) / max(1, 4 * taps * problem.inputChannels) / 8 * 8)),
      atLeast: min(2 * context.workers.threadCount, max(1, problem.outputPixels / 32)), multipleOf: 8)
    let weights = context.constants[1].map { constant in
      context.packed(
        PackedFormat("deformable", .float32, "tap-major", panels: nil),
        byteCount: ElementType.float32.byteCount(of: packedCount)
      ) { packed in
        constant.withUnsafeElements(of: Float.self) {
          problem.packTapMajor(
            $0.baseAddress!, into: packed.bindMemory(to: Float.self, capacity: packedCount), over: context.workers)
        }
      }
    }
    let packingSpace = weights == nil ? (packedCount + 15) / 16 * 16 : 0
    // The patches of a tile, then the offsets and weights of their places.
    let patchCount = (pieces.size * taps * problem.inputChannels + 15) / 16 * 16
    let perWorker = patchCount + sampling.scratchCount(pixels: pieces.size)
    let (isModulated, function) = (isModulated, function)
    var work = WorkEstimate()
    let patches = Double(problem.batch * problem.outputPixels * taps * problem.inputChannels)
    work.gemmMacs = Double(problem.macs)
    work.vectorOperations = 7 * patches
    work.bytesMoved = ElementType.float32.byteCount(of: 6 * patches)
    work.columns = problem.groupOutputs
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: packingSpace + context.workers.threadCount * perWorker),
      algorithm: "sampled im2col", work: work, packedInputs: weights == nil ? [] : [1]
    ) { context in
      let scratch = context.scratch
      if weights == nil {
        problem.packTapMajor(context.input(1).floats, into: scratch, over: context.workers)
      }
      let (x, offset, y, device) = (context.input(0), context.input(2), context.output(), context.device)
      let mask = isModulated ? context.input(3) : nil
      let bias = context.inputCount > (isModulated ? 4 : 3) ? context.input(context.inputCount - 1).floats : nil
      let epilogue = Epilogue(shift: bias, function: function)
      func runAll(_ weights: UnsafePointer<Float>) {
        device.workers.forEach(problem.batch * pieces.pieces) { tile, worker in
          let (image, piece) = tile.quotientAndRemainder(dividingBy: pieces.pieces)
          let pixels = pieces[piece]
          let patches = scratch + packingSpace + worker * perWorker
          sampling.gather(
            pixels, ofImage: image, x: x, offset: offset, mask: mask, into: patches, scratch: patches + patchCount,
            tilePixels: pieces.size, on: device)
          let first = image * problem.outputPixels + pixels.lowerBound
          let result = y.floats + first * y.rowStride
          for group in 0..<problem.geometry.groups {
            device.backend.gemm(
              transposeA: false, transposeB: false, m: pixels.count, n: problem.groupOutputs, k: depth, alpha: 1,
              patches + group * pieces.size * depth, depth, weights + group * depth * problem.groupOutputs,
              problem.groupOutputs, beta: 0, result + group * problem.groupOutputs, y.rowStride)
          }
          if !epilogue.isIdentity {
            device.kernels.affine(
              result, xStride: y.rowStride, epilogue, into: Destination(result, stride: y.rowStride),
              rows: pixels.count, channels: problem.outputChannels)
          }
        }
      }
      if let weights {
        weights.withUnsafeBytes { runAll($0.baseAddress!.assumingMemoryBound(to: Float.self)) }
      } else {
        runAll(scratch)
      }
    }
  }
}

extension DeformableConvolution: FunctionAbsorbing {
  public func absorbing(_ function: ElementwiseFunction) -> (any Operator)? {
    self.function.followed(by: function).map {
      DeformableConvolution(geometry, offsetGroups: offsetGroups, modulated: isModulated, function: $0)
    }
  }
}

extension DeformableConvolution {
  /// Returns every pixel of x, because offsets are not bounded, and the pixel at the same position of offset and mask.
  public func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    if index == 0 { return .everything(of: inputs[0]) }
    return index == 2 || (index == 3 && isModulated) ? .samePixel(of: inputs[index]) : .none
  }
}

extension Value {
  /// Applies a deformable convolution with the parameters `name.weight`, initially He-normal by default, and, with `bias`, `name.bias`.
  ///
  /// The default `padding`, dilation · (k − 1) / 2, keeps the size of the map for odd kernels at stride 1.
  ///
  /// - Parameters:
  ///   - offset: The displacement of each tap from its position in the kernel, in pixels:
  ///     `[batch, outHeight, outWidth, offsetGroups · taps · 2]`, Δy before Δx. The number of offset groups follows from its channels.
  ///   - mask: The weight of each tap, `[batch, outHeight, outWidth, offsetGroups · taps]`, or `nil` for weights of 1.
  public func deformableConv(
    _ name: String, _ outChannels: Int, kernel: Extent2D, offset: Value, mask: Value? = nil, stride: Extent2D = 1,
    padding: Padding2D? = nil, dilation: Extent2D = 1, groups: Int = 1, bias: Bool = true,
    initializer: Initializer? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    let geometry = ConvolutionGeometry(
      kernel: kernel, stride: stride, dilation: dilation, padding: padding ?? .keepingSize(kernel, dilation: dilation),
      groups: groups)
    let taps = kernel.height * kernel.width
    let parameters = convolutionParameters(name, outChannels, geometry, bias: bias, initializer, file, line)
    let convolution = DeformableConvolution(
      geometry, offsetGroups: max(1, offset.channels / max(1, 2 * taps)), modulated: mask != nil)
    let operands = [parameters[0], offset] + (mask.map { [$0] } ?? []) + parameters.dropFirst()
    return apply(convolution, named: name, with: operands, file: file, line: line)
  }
}

extension DeformableConvolution: PropertyInferring {
  package func properties(of inputs: [OperandProperties], outputs: [TensorSpec]) -> [ValueProperties] {
    [ValueProperties(axes: .following(Array(inputs.prefix(1)), to: outputs[0]))]
  }
}

extension DeformableConvolution: Differentiable {
  /// The convolution is a product of weights and patches for each group.
  public func gradients(_ context: GradientContext) -> [Value?] {
    let dy = context.gradient(before: function) {
      DeformableConvolution(geometry, offsetGroups: offsetGroups, modulated: isModulated)
    }
    let (weight, groups) = (context.inputs[1], geometry.groups)
    let places = [2, 3].prefix(isModulated ? 2 : 1).map { context.inputs[$0] }
    let (batch, outputs, inputs) = (dy.shape.batch, dy.channels / groups, weight.shape[1])
    let depth = taps * inputs
    let patches = DeformablePatches(geometry, offsetGroups: offsetGroups)
    /// A group's part of dy, `[pixels of all images, outputs of the group]`.
    func part(_ group: Int) -> Value {
      dy.slice([.init(axis: 3, from: group * outputs, to: (group + 1) * outputs)]).reshape([dy.shape.rows, outputs])
    }
    /// A group's weights, `[outputs of the group, taps · inputs of the group]`.
    func matrix(_ group: Int) -> Value {
      weight.slice([.init(axis: 0, from: group * outputs, to: (group + 1) * outputs)]).reshape([outputs, inputs, taps])
        .transpose([0, 2, 1]).reshape([outputs, depth])
    }
    var gradients: [Value?] = context.inputs.map { _ in nil }
    if context.requiresGradient[1] {
      let gathered = context.inputs[0].apply(patches, named: "patches", with: places)
      let products = (0..<groups).map { group in
        let own = gathered.reshape([batch, groups, dy.shape.height * dy.shape.width, depth])
          .slice([.init(axis: 1, from: group, to: group + 1)]).reshape([dy.shape.rows, depth])
        return part(group).matmul(own, transposingA: true, named: "weight")
      }
      gradients[1] = products.concatenated(axis: 0, named: "weight").reshape([groups * outputs, taps, inputs])
        .transpose([0, 2, 1]).reshape(to: weight.shape)
    }
    let moving = [0] + (isModulated ? [2, 3] : [2])
    if moving.contains(where: { context.requiresGradient[$0] }) {
      let products = (0..<groups).map { group in
        part(group).matmul(matrix(group), named: "patches").reshape([batch, 1, dy.shape.height * dy.shape.width, depth])
      }
      let dPatches = products.concatenated(axis: 1, named: "patches")
        .reshape([batch * groups, dy.shape.height, dy.shape.width, depth])
      let results = context.graph.add(
        DeformablePatchesGradient(patches), named: "inputs", to: [dPatches, context.inputs[0]] + places,
        outputCount: 1 + places.count)
      for (index, result) in zip(moving, results) where context.requiresGradient[index] { gradients[index] = result }
    }
    let bias = isModulated ? 4 : 3
    if context.inputs.count > bias, context.requiresGradient[bias] {
      gradients[bias] = dy.summedOverRows(named: "bias")
    }
    return gradients
  }
}
