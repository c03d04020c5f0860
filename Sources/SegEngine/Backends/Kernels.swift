/// The vector kernels that operators and algorithms of convolution are made of.
///
/// Kernels compute on float32 in memory that the caller owns. Extents and strides are counted in elements, matrices are row-major.
/// A call does not split its work: operators do, over the worker pool. All members may be called from several threads at once.
/// ``VectorKernels`` are those of the C library, ``ReferenceKernels`` loops in Double that tests hold them against.
package protocol Kernels: Sendable {
  /// The form in which ``panelProduct(_:)`` takes constant matrices.
  var panelLayout: PanelLayout { get }

  /// Bytes of a core's second-level cache, for which tiles are cut.
  var coreCacheBytes: Int { get }

  /// The product of rows, where they lie, with a matrix that was packed beforehand; its epilogue is applied while the result is in
  /// cache.
  func panelProduct(_ operands: PanelOperands)

  /// Products of planes of rows with a matrix each.
  func planeProducts(_ operands: PlaneOperands)

  /// Sums of quarters of a matrix for Strassen's product: A₁₁ + A₂₂, A₂₁ + A₂₂, A₁₁ + A₁₂, A₂₁ − A₁₁ and A₁₂ − A₂₂, `sumStride` floats
  /// a row and as many rows as the quarters have. The upper half begins at `x`, the lower `lower` rows behind.
  func strassenSums(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, lower: Int, depth: Int, _ sums: UnsafeMutablePointer<Float>,
    sumStride: Int)

  /// The quarters of the result of Strassen's product.
  func strassenResult(_ operands: StrassenOperands)

  /// y[i] ← f(x[i]); `y` may be `x`.
  func map(_ function: ElementwiseFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int)

  /// y[i] ← p[i · pStep] ∘ q[i · qStep] with steps of 0 (broadcast) or 1; `y` may be `p` or `q`.
  func combine(
    _ operation: BinaryOperation, _ p: UnsafePointer<Float>, pStep: Int, _ q: UnsafePointer<Float>, qStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int)

  /// The epilogue of x itself: y[r, c] ← f(x[r, c] · scale[c] + shift[c] + residual[r, c]). The result may be `x`.
  func affine(
    _ x: UnsafePointer<Float>, xStride: Int, _ epilogue: Epilogue, into result: Destination, rows: Int, channels: Int)

  /// y[r, c] ← x where positive, else slope[c] · x.
  func prelu(
    _ x: UnsafePointer<Float>, xStride: Int, slope: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    yStride: Int,
    rows: Int, channels: Int)

  /// y[r, c] ← (x[r, c] − mean of row r) / √(variance of row r + epsilon) · scale[c] + shift[c]; the variance is that of the
  /// population.
  func layerNorm(
    _ x: UnsafePointer<Float>, xStride: Int, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, epsilon: Float,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int)

  /// One row of outputs of a depthwise convolution, `channels · multiplier` a pixel; weights `[tap, output channel]`. Rows of the result and
  /// of the residual are the row's pixels. The result is not the memory of the residual.
  func depthwise(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, multiplier: Int,
    weights: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination)

  /// One row of a max pooling's outputs, and where asked for the position (row · inputWidth + column) of each first maximum.
  func maxPool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, indices: UnsafeMutablePointer<Int32>?, indexStride: Int)

  /// One row of an average pooling's outputs; padding counts as zeros in the mean, or not at all.
  func averagePool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, countingPadding: Bool,
    _ y: UnsafeMutablePointer<Float>, yStride: Int)

  /// The patches of `count` output pixels from `first` on (counted row by row in one image), as rows
  /// `[kernelHeight, kernelWidth, channels]`: a tile of the im2col matrix.
  func gatherPatches(
    _ window: SlidingWindow, image: UnsafePointer<Float>, first: Int, count: Int, channels: Int,
    _ patches: UnsafeMutablePointer<Float>)

  /// y[p, c] ← Σ over t of weights[p, t] · x[offsets[p, t] + c]: the step of every resize.
  func interpolate(
    _ x: UnsafePointer<Float>, offsets: UnsafePointer<Int>, weights: UnsafePointer<Float>, taps: Int, pixels: Int,
    channels: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int)

  /// y[c, r] ← x[r, c].
  func transpose(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int)

  /// Prefetches numbers into the core's second-level cache: a hint, which changes no result.
  func prefetch(_ x: UnsafePointer<Float>, count: Int)

  /// The inputs of a tile of a Winograd convolution as Bᵀ d B: one row of `inputChannels` in each of the planes of the tile's points. The
  /// first pixel that it reads, `padding` rows above its first output and columns before it, may lie outside the image.
  func winogradInput(
    _ tiling: WinogradTiling, image: UnsafePointer<Float>, _ tile: WinogradTile, padding: (top: Int, left: Int),
    _ planes: UnsafeMutablePointer<Float>)

  /// Weights `[count, r · r, width]` as G g Gᵀ: `[count, width]` in each of the planes, `plane` floats apart. The width is that of a
  /// panel of ``panelLayout``.
  func winogradFilter(
    _ tiling: WinogradTiling, _ weights: UnsafePointer<Float>, count: Int, width: Int,
    _ planes: UnsafeMutablePointer<Float>, plane: Int)

  /// The outputs of a tile of a Winograd convolution: Aᵀ m A of one row in each of the planes of its points, with an epilogue. Rows of the
  /// result and of the residual are the pixels of whole images; outputs outside the image are left out. The result may be the memory of the
  /// residual.
  func winogradOutput(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination,
    _ tile: WinogradTile)

  /// Reduces a contiguous run to one number.
  func reduce(_ reduction: Reduction, _ x: UnsafePointer<Float>, count: Int) -> Float

  /// y[c] ← reduction over r of x[r, c].
  func reduceRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>)

  /// Softmax of each row, or its logarithm; `y` may be `x`.
  func softmax(
    logarithm: Bool, _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int,
    channels: Int)

  /// Softmax of each row before it is divided: e to the power of each element less the row's largest, and in `sums` the sum of each
  /// row; `y` may be `x`.
  func softmaxNumerators(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int,
    sums: UnsafeMutablePointer<Float>)

  /// The column of the first maximum of each row; NaN counts as the largest.
  func argmax(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, _ y: UnsafeMutablePointer<Int32>)
}

extension Kernels {
  /// One product a plane; nothing is prefetched.
  package func planeProducts(_ operands: PlaneOperands) {
    for plane in operands.rows.indices where operands.rows[plane].count > 0 { panelProduct(operands[plane]) }
  }
}
