import CSegKernels

/// The kernels of `CSegKernels` for one instruction set.
package struct VectorKernels: Kernels {
  // It is safe to share: a table of C functions in constant memory.
  nonisolated(unsafe) let table: UnsafePointer<seg_kernels>
  package let coreCacheBytes = seg_core_cache_bytes()

  /// The names of the instruction sets, the widest first.
  package static let instructionSets = ["avx512-bf16", "avx512", "avx2", "baseline"]

  /// The kernels of the machine's widest instruction set.
  package static let widest = VectorKernels(table: seg_select_kernels())

  private init(table: UnsafePointer<seg_kernels>) { self.table = table }

  /// Makes the kernels of an instruction set of ``instructionSets``; `nil` if the machine does not have it.
  package init?(instructionSet: String) {
    guard let table = seg_kernels_named(instructionSet) else { return nil }
    self.table = table
  }

  /// The name of the instruction set.
  package var instructionSet: String { String(cString: table.pointee.instruction_set) }

  /// The number of floats in a vector register.
  package var vectorWidth: Int { table.pointee.vector_width }

  package var panelLayout: PanelLayout {
    PanelLayout(width: table.pointee.panel_width, unit: table.pointee.vector_width)
  }

  package var multipliesBFloat16: Bool { table.pointee.has_bfloat16_products != 0 }

  package func panelProduct(_ operands: PanelOperands) {
    guard operands.rowCount > 0, operands.columns > 0 else { return }
    var product = kernelOperands(operands)
    table.pointee.product(&product)
  }

  package func planeProducts(_ operands: PlaneOperands) {
    // Both structures have the memory layout of the kernels' C structures.
    operands.rows.withMemoryRebound(to: Int.self) { rows in
      operands.prefetches.withMemoryRebound(to: seg_prefetch_run.self) { prefetches in
        var products = seg_plane_products()
        products.product = kernelOperands(operands.first)
        products.count = operands.rows.count
        products.rows = rows.baseAddress
        (products.a_plane, products.panel_plane, products.y_plane) = (
          operands.rowPlane, operands.panelPlane, operands.resultPlane
        )
        (products.prefetches, products.prefetch_count) = (prefetches.baseAddress, prefetches.count)
        table.pointee.plane_products(&products)
      }
    }
  }

  private func kernelOperands(_ operands: PanelOperands) -> seg_product {
    var product = seg_product()
    product.row_count = operands.rowCount
    product.word_terms = operands.wordTerms
    product.taps = operands.taps
    product.depth = operands.depth
    switch operands.rows {
    case .strided(let base, let stride):
      product.a = base
      product.a_stride = stride
    case .pointed(let pointers, let padding, let offset):
      product.rows = UnsafeRawPointer(pointers).assumingMemoryBound(to: UnsafePointer<Float>?.self)
      product.padding = padding
      product.row_offset = offset
    }
    product.panels = operands.panels
    product.columns = operands.columns
    product.accumulates = operands.accumulates ? 1 : 0
    product.epilogue = operands.epilogue.kernel
    product.result = operands.result.kernel
    return product
  }

  package func strassenSums(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, lower: Int, depth: Int, _ sums: UnsafeMutablePointer<Float>,
    sumStride: Int
  ) {
    table.pointee.strassen_sums(x, xStride, rows, lower, depth, sums, sumStride)
  }

  package func strassenResult(_ operands: StrassenOperands) {
    var result = seg_strassen()
    (result.rows, result.lower) = (operands.rows, operands.lower)
    (result.columns, result.right) = (operands.columns, operands.right)
    result.products = operands.products
    result.epilogue = operands.epilogue.kernel
    result.result = operands.result.kernel
    table.pointee.strassen_result(&result)
  }

  package func transpose(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int
  ) {
    table.pointee.transpose(x, xStride, y, yStride, rows, columns)
  }

  package func packColumns(
    _ x: UnsafePointer<Float>, xStride: Int, columns: Int, range: Range<Int>, period: Int,
    _ y: UnsafeMutablePointer<Float>, step: Int, periodStep: Int
  ) {
    table.pointee.pack_columns(
      x, xStride, columns, range.lowerBound, range.upperBound, period, y, step, periodStep)
  }

  package func prefetch(_ x: UnsafePointer<Float>, count: Int) {
    seg_prefetch(x, count)
  }

  package func winogradInput(
    _ tiling: WinogradTiling, image: UnsafePointer<Float>, _ tile: WinogradTile, padding: (top: Int, left: Int),
    _ planes: UnsafeMutablePointer<Float>
  ) {
    tiling.withKernel {
      table.pointee.winograd_input(
        $0, image, tile.row - padding.top, tile.column - padding.left, tile.rowAxis, tile.columnAxis, planes)
    }
  }

  package func winogradFilter(
    _ tiling: WinogradTiling, _ weights: UnsafePointer<Float>, count: Int, width: Int,
    _ planes: UnsafeMutablePointer<Float>, plane: Int
  ) {
    tiling.withKernel { table.pointee.winograd_filter($0, weights, count, width, planes, plane) }
  }

  package func winogradOutput(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination,
    _ tile: WinogradTile
  ) {
    var (epilogue, result) = (epilogue.kernel, result.kernel)
    tiling.withKernel {
      table.pointee.winograd_output(
        $0, planes, &epilogue, &result, tile.row, tile.column, tile.rowAxis, tile.columnAxis)
    }
  }

  package func winogradGradient(
    _ tiling: WinogradTiling, _ y: UnsafePointer<Float>, yStride: Int, _ tile: WinogradTile,
    _ planes: UnsafeMutablePointer<Float>
  ) {
    tiling.withKernel {
      table.pointee.winograd_gradient($0, y, yStride, tile.row, tile.column, tile.rowAxis, tile.columnAxis, planes)
    }
  }

  package func winogradFilterGradient(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, plane: Int, count: Int, width: Int,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    tiling.withKernel { table.pointee.winograd_filter_gradient($0, planes, plane, count, width, weights) }
  }

  package func outerProducts(_ operands: OuterProductOperands) {
    var products = seg_outer_products(
      x: operands.x, x_stride: operands.xStride, x_row: operands.xRow, y: operands.y, y_stride: operands.yStride,
      y_row: operands.yRow, rows: operands.rows, columns: operands.columns, inputs: operands.inputs,
      outputs: operands.outputs, sums: operands.sums, sum_stride: operands.sumStride, run: operands.run,
      run_stride: operands.runStride, accumulates: operands.accumulates ? 1 : 0)
    table.pointee.outer_products(&products)
  }

  package func depthwiseGradient(
    _ window: SlidingWindow, image: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, dyStride: Int, rows: Range<Int>,
    channels: Int, multiplier: Int, _ sums: UnsafeMutablePointer<Float>, sumStride: Int
  ) {
    var w = window.kernel
    table.pointee.depthwise_gradient(
      &w, image, dy, dyStride, rows.lowerBound, rows.upperBound, channels, multiplier, sums, sumStride)
  }

  package func copyRows(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int
  ) {
    table.pointee.copy_rows(x, xStride, y, yStride, rows, columns)
  }

  package func map(
    _ function: ElementwiseFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    let f = function.kernel
    table.pointee.map(f.code, f.a, f.b, f.c, x, y, count)
  }

  package func combine(
    _ operation: BinaryOperation, _ p: UnsafePointer<Float>, pStep: Int, _ q: UnsafePointer<Float>, qStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int
  ) {
    table.pointee.combine(operation.kernel, p, pStep, q, qStep, y, count)
  }

  package func affine(
    _ x: UnsafePointer<Float>, xStride: Int, _ epilogue: Epilogue, into result: Destination, rows: Int, channels: Int
  ) {
    var (epilogue, result) = (epilogue.kernel, result.kernel)
    table.pointee.affine(x, xStride, &epilogue, &result, rows, channels)
  }

  package func prelu(
    _ x: UnsafePointer<Float>, xStride: Int, slope: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    yStride: Int,
    rows: Int, channels: Int
  ) {
    table.pointee.prelu(x, xStride, slope, y, yStride, rows, channels)
  }

  package func layerNorm(
    _ x: UnsafePointer<Float>, xStride: Int, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, epsilon: Float,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int
  ) {
    table.pointee.layer_norm(x, xStride, scale, shift, epsilon, y, yStride, rows, channels)
  }

  package func depthwise(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, multiplier: Int,
    weights: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination
  ) {
    var (window, epilogue, result) = (window.kernel, epilogue.kernel, result.kernel)
    table.pointee.depthwise(&window, image, outputRow, channels, multiplier, weights, &epilogue, &result)
  }

  package func maxPool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, indices: UnsafeMutablePointer<Int32>?, indexStride: Int
  ) {
    var w = window.kernel
    table.pointee.max_pool(&w, image, outputRow, channels, y, yStride, indices, indexStride)
  }

  package func averagePool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, countingPadding: Bool,
    _ y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    var w = window.kernel
    table.pointee.average_pool(&w, image, outputRow, channels, countingPadding ? 1 : 0, y, yStride)
  }

  package func gatherPatches(
    _ window: SlidingWindow, image: UnsafePointer<Float>, first: Int, count: Int, channels: Int,
    _ patches: UnsafeMutablePointer<Float>
  ) {
    var w = window.kernel
    table.pointee.gather_patches(&w, image, first, count, channels, patches)
  }

  package func interpolate(
    _ x: UnsafePointer<Float>, offsets: UnsafePointer<Int>, weights: UnsafePointer<Float>, taps: Int, pixels: Int,
    channels: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int
  ) {
    table.pointee.interpolate(x, offsets, weights, taps, pixels, channels, y, yStride)
  }

  package func reduce(_ reduction: Reduction, _ x: UnsafePointer<Float>, count: Int) -> Float {
    table.pointee.reduce(reduction.kernel, x, count)
  }

  package func reduceRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>
  ) {
    table.pointee.reduce_rows(reduction.kernel, x, xStride, rows, channels, y)
  }

  package func softmax(
    logarithm: Bool, _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int,
    channels: Int
  ) {
    table.pointee.softmax(logarithm ? 1 : 0, x, xStride, y, yStride, rows, channels)
  }

  package func softmaxNumerators(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int,
    sums: UnsafeMutablePointer<Float>
  ) {
    table.pointee.softmax_numerators(x, xStride, y, yStride, rows, channels, sums)
  }

  package func argmax(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, _ y: UnsafeMutablePointer<Int32>
  ) {
    table.pointee.argmax(x, xStride, rows, channels, y)
  }
}

extension Epilogue {
  fileprivate var kernel: seg_epilogue {
    let f = function.kernel
    return seg_epilogue(
      scale: scale, shift: shift, residual: residual, residual_stride: residualStride, function: f.code,
      parameter_a: f.a, parameter_b: f.b, parameter_c: f.c)
  }
}

extension Destination {
  fileprivate var kernel: seg_destination {
    seg_destination(y: y, stride: stride, group_rows: group?.rows ?? 0, group_stride: group?.stride ?? 0)
  }
}

extension ElementwiseFunction {
  /// The function's code and parameters in the kernels.
  var kernel: (code: Int32, a: Float, b: Float, c: Float) {
    func with(_ code: seg_function, _ a: Float = 0, _ b: Float = 0, _ c: Float = 0) -> (Int32, Float, Float, Float) {
      (Int32(code.rawValue), a, b, c)
    }
    switch self {
    case .identity: return with(SEG_IDENTITY)
    case .relu: return with(SEG_RELU)
    case .clip(let low, let high): return with(SEG_CLIP, low, high)
    case .leakyReLU(let slope): return with(SEG_LEAKY_RELU, slope)
    case .elu(let alpha): return with(SEG_ELU, alpha)
    case .gelu: return with(SEG_GELU_ERF)
    case .geluTanh: return with(SEG_GELU_TANH)
    case .silu: return with(SEG_SILU)
    case .hardSigmoid(let slope, let offset): return with(SEG_HARD_SIGMOID, slope, offset)
    case .hardSwish: return with(SEG_HARD_SWISH)
    case .sigmoid: return with(SEG_SIGMOID)
    case .tanh: return with(SEG_TANH)
    case .softplus(let beta, let threshold): return with(SEG_SOFTPLUS, beta, threshold)
    case .exp: return with(SEG_EXP)
    case .log: return with(SEG_LOG)
    case .sqrt: return with(SEG_SQRT)
    case .abs: return with(SEG_ABS)
    case .negate: return with(SEG_NEGATE)
    case .reciprocal: return with(SEG_RECIPROCAL)
    case .erf: return with(SEG_ERF)
    case .quantize(let step, let low, let high): return with(SEG_QUANTIZE, step, low, high)
    }
  }
}

extension BinaryOperation {
  fileprivate var kernel: Int32 {
    let code =
      switch self {
      case .add: SEG_ADD
      case .subtract: SEG_SUBTRACT
      case .multiply: SEG_MULTIPLY
      case .divide: SEG_DIVIDE
      case .maximum: SEG_MAXIMUM
      case .minimum: SEG_MINIMUM
      case .power: SEG_POWER
      }
    return Int32(code.rawValue)
  }
}

extension Reduction {
  fileprivate var kernel: Int32 {
    let code =
      switch self {
      case .sum: SEG_SUM
      case .maximum: SEG_MAX
      case .minimum: SEG_MIN
      case .product: SEG_PRODUCT
      case .sumOfSquares: SEG_SUM_OF_SQUARES
      }
    return Int32(code.rawValue)
  }
}

extension SlidingWindow {
  fileprivate var kernel: seg_window {
    seg_window(
      input_height: inputHeight, input_width: inputWidth, pixel_stride: pixelStride,
      kernel_height: geometry.kernel.height, kernel_width: geometry.kernel.width, stride_height: geometry.stride.height,
      stride_width: geometry.stride.width, dilation_height: geometry.dilation.height,
      dilation_width: geometry.dilation.width, padding_top: geometry.padding.top, padding_left: geometry.padding.left,
      padding_bottom: geometry.padding.bottom, padding_right: geometry.padding.right, output_width: outputWidth,
      ring_rows: ringRows)
  }
}
