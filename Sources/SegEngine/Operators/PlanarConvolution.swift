/// A 1 × 1 convolution with its result in NCHW, the order of other frameworks' logits: ``Convolution`` and ``Transpose`` fused, so that the
/// result is written once.
///
/// y[n, o, i, j] = f(b[o] + Σ over c of w[o, c] · x[n, i, j, c])
///
/// Inputs: x `[batch, height, width, in]`, weight `[out, in, 1, 1]`, optionally bias `[out]`. Output: `[batch, out, height, width]`. Tested
/// to 1e-5 of Σ |w · x| against Double loops.
///
/// It is computed as W · Xᵀ: the rows of the weights are used in place, and the pixels of a tile are the columns. A class is a row, so the
/// number of classes is not rounded up to whole panels.
struct PlanarConvolution: Operator {
  static let name = "PlanarConvolution"

  /// The activation function of the result.
  let function: ElementwiseFunction

  /// Bytes of the pixels of a tile. Both the pixels and their packed columns fit a core's own cache.
  private static let tileBytes = 128 << 10
  /// The most pixels of a tile.
  private static let largestTile = 512

  var attributes: String { function == .identity ? "" : "+ \(function)" }

  func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    let y = try Convolution(ConvolutionGeometry(kernel: 1), function: function).outputs(for: inputs)[0].shape
    return [TensorSpec([y.batch, y.channels, y.height, y.width])]
  }

  func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    let (x, y) = (inputs[0].shape, outputs[0].shape)
    let pixelsFirst = Shape([y[0], y[2], y[3], y[1]])
    return ConvolutionProblem(.forward, ConvolutionGeometry(kernel: 1), input: x, output: pixelsFirst)
      .cost(inputs: inputs, outputs: outputs, function: function)
  }

  var takesRowStrides: Bool { true }

  /// The weights are packed as they lie: contiguous.
  func takesRowStrides(ofInput index: Int) -> Bool { index != 1 }

  func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, y) = (context.inputs[0].shape, context.outputs[0].shape)
    let (layout, threads) = (context.kernels.panelLayout, context.workers.threadCount)
    let (inputs, outputs) = (x.channels, y[1])
    let fitting = PlanarConvolution.tileBytes / ElementType.float32.byteCount(of: inputs) / layout.width * layout.width
    let largest = max(layout.width, min(PlanarConvolution.largestTile, fitting))
    let perWorker = layout.count(k: inputs, n: largest)
    let (hasBias, function) = (context.inputs.count > 2, function)
    let packed = context.constants[1].map { weights in
      context.packed(
        PackedFormat(algorithm: "planes", elementType: .float32, order: "rows"), byteCount: weights.byteCount
      ) { rows in
        weights.withUnsafeBytes { rows.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      }
    }
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: threads * perWorker), algorithm: "planes",
      packedInputs: packed == nil ? [] : [1]
    ) { context in
      func multiply(_ weights: UnsafePointer<Float>) {
        let (x, y) = (context.input(0), context.output())
        let bias = hasBias ? context.input(2).floats : nil
        let (height, width) = (x.shape.height, x.shape.width)
        // The number of contiguous pixels in a plane: all of them if the output is contiguous, else one row.
        let run = y.isContiguous ? height * width : width
        let plane = height * y.rowStride
        let tiles = EvenPieces(run, largest: largest, multipleOf: layout.width)
        context.workers.forEach(x.shape.batch * height * width / run * tiles.pieces) { index, worker in
          let (line, piece) = index.quotientAndRemainder(dividingBy: tiles.pieces)
          let pixels = tiles[piece]
          let (image, row) = (line * run / width).quotientAndRemainder(dividingBy: height)
          let columns = context.scratch + worker * perWorker
          layout.pack(
            transposing: x.floats + (line * run + pixels.lowerBound) * x.rowStride, rowStride: x.rowStride,
            rows: inputs,
            columns: pixels.count, into: columns, on: context.device)
          let target = y.floats + image * outputs * plane + row * y.rowStride + pixels.lowerBound
          var product = PanelOperands(
            rows: .strided(weights, stride: inputs), rowCount: outputs, depth: inputs, panels: columns,
            columns: pixels.count, epilogue: Epilogue(function: function), into: Destination(target, stride: plane))
          if let bias {
            // The shift of an epilogue is per column. The bias here is per row, so the result is initialised with it.
            for output in 0..<outputs { (target + output * plane).update(repeating: bias[output], count: pixels.count) }
            product.accumulates = true
          }
          context.kernels.panelProduct(product)
        }
      }
      if let packed {
        packed.withUnsafeBytes { multiply($0.baseAddress!.assumingMemoryBound(to: Float.self)) }
      } else {
        multiply(context.input(1).floats)
      }
    }
  }

  func reach(ofInput index: Int, inputs: [TensorSpec], outputs: [TensorSpec]) -> SpatialReach {
    index == 0 ? .everything(of: inputs[0]) : .none
  }
}
