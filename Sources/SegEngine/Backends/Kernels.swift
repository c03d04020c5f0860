/// The vector kernels that operators and convolution algorithms use.
///
/// Kernels compute on float32 in memory that the caller owns. Extents and strides are counted in elements, matrices are row-major.
/// A call runs on one thread; operators split work over the worker pool. All members may be called from several threads at once.
/// ``VectorKernels`` are those of the C library. ``ReferenceKernels`` are loops in Double that tests compare with.
package protocol Kernels: TrainingKernels {
  /// The layout of packed matrices for ``panelProduct(_:)``.
  var panelLayout: PanelLayout { get }

  /// Whether algorithms that multiply in bfloat16 are candidates: products of bfloat16 are faster than those of float32. Always true for the
  /// reference.
  var multipliesBFloat16: Bool { get }

  /// Bytes of a core's second-level cache, which determine the size of tiles.
  var coreCacheBytes: Int { get }

  /// Computes the product of rows, in place, with a packed matrix; its epilogue is applied while the result is in cache.
  func panelProduct(_ operands: PanelOperands)

  /// Computes the products of planes of rows with a matrix per plane.
  func planeProducts(_ operands: PlaneOperands)

  /// Computes the sums of quarters of a matrix for Strassen's algorithm: A₁₁ + A₂₂, A₂₁ + A₂₂, A₁₁ + A₁₂, A₂₁ − A₁₁ and A₁₂ − A₂₂, with
  /// `sumStride` floats per row and as many rows as a quarter. The upper half begins at `x`, the lower half `lower` rows after it.
  func strassenSums(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, lower: Int, depth: Int, _ sums: UnsafeMutablePointer<Float>,
    sumStride: Int)

  /// Computes the quarters of the result of Strassen's algorithm.
  func strassenResult(_ operands: StrassenOperands)

  /// Computes y[i] ← f(x[i]); `y` may be `x`.
  func map(_ function: ElementwiseFunction, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int)

  /// Computes y[i] ← p[i · pStep] ∘ q[i · qStep] with steps of 0 (broadcast) or 1; `y` may be `p` or `q`.
  func combine(
    _ operation: BinaryOperation, _ p: UnsafePointer<Float>, pStep: Int, _ q: UnsafePointer<Float>, qStep: Int,
    _ y: UnsafeMutablePointer<Float>, count: Int)

  /// Applies an epilogue to x: y[r, c] ← f(x[r, c] · scale[c] + shift[c] + residual[r, c]). The result may be `x`.
  func affine(
    _ x: UnsafePointer<Float>, xStride: Int, _ epilogue: Epilogue, into result: Destination, rows: Int, channels: Int)

  /// Computes y[r, c] ← x where positive, else slope[c] · x.
  func prelu(
    _ x: UnsafePointer<Float>, xStride: Int, slope: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    yStride: Int,
    rows: Int, channels: Int)

  /// Computes y[r, c] ← (x[r, c] − mean of row r) / √(variance of row r + epsilon) · scale[c] + shift[c]; the variance is that of the
  /// population.
  func layerNorm(
    _ x: UnsafePointer<Float>, xStride: Int, scale: UnsafePointer<Float>?, shift: UnsafePointer<Float>?, epsilon: Float,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int)

  /// Computes one output row of a depthwise convolution, with `channels · multiplier` per pixel; weights `[tap, output channel]`. Rows of
  /// the result and of the residual are the pixels. The result must not be in the residual's memory.
  func depthwise(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, multiplier: Int,
    weights: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination)

  /// Computes one output row of a max pooling, and optionally the index (row · inputWidth + column) of each first maximum.
  func maxPool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>, yStride: Int, indices: UnsafeMutablePointer<Int32>?, indexStride: Int)

  /// Computes one output row of an average pooling; padding counts as zeros in the mean, or is excluded.
  func averagePool(
    _ window: SlidingWindow, image: UnsafePointer<Float>, outputRow: Int, channels: Int, countingPadding: Bool,
    _ y: UnsafeMutablePointer<Float>, yStride: Int)

  /// Gathers the patches of `count` output pixels from `first` on (counted row by row in one image), as rows
  /// `[kernelHeight, kernelWidth, channels]`: a tile of the im2col matrix.
  func gatherPatches(
    _ window: SlidingWindow, image: UnsafePointer<Float>, first: Int, count: Int, channels: Int,
    _ patches: UnsafeMutablePointer<Float>)

  /// Computes y[p, c] ← Σ over t of weights[p, t] · x[offsets[p, t] + c], the step of every resize.
  func interpolate(
    _ x: UnsafePointer<Float>, offsets: UnsafePointer<Int>, weights: UnsafePointer<Float>, taps: Int, pixels: Int,
    channels: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int)

  /// Computes y[c, r] ← x[r, c].
  func transpose(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int)

  /// Packs columns that are contiguous in memory, `xStride` apart, into rows of a panel in another order: for each k of the range
  /// y[(k / period) · periodStep + (k mod period) · step + c] ← x[c · xStride + k].
  func packColumns(
    _ x: UnsafePointer<Float>, xStride: Int, columns: Int, range: Range<Int>, period: Int,
    _ y: UnsafeMutablePointer<Float>, step: Int, periodStep: Int)

  /// Prefetches numbers into the core's second-level cache: a hint that changes no result.
  func prefetch(_ x: UnsafePointer<Float>, count: Int)

  /// Computes the transformed inputs Bᵀ d B of a Winograd tile: one row of `inputChannels` in each of the planes of the tile's points. The
  /// first pixel that it reads is `padding` rows above and columns left of its first output, and may be outside the image.
  func winogradInput(
    _ tiling: WinogradTiling, image: UnsafePointer<Float>, _ tile: WinogradTile, padding: (top: Int, left: Int),
    _ planes: UnsafeMutablePointer<Float>)

  /// Transforms weights `[count, r · r, width]` to G g Gᵀ: `[count, width]` in each of the planes, `plane` floats apart. The width is that
  /// of a panel of ``panelLayout``.
  func winogradFilter(
    _ tiling: WinogradTiling, _ weights: UnsafePointer<Float>, count: Int, width: Int,
    _ planes: UnsafeMutablePointer<Float>, plane: Int)

  /// Computes the outputs Aᵀ m A of a Winograd tile from one row in each of the planes of its points, with an epilogue. Rows of the result
  /// and of the residual are the pixels of whole images. Outputs outside the image are skipped. The result may be in the residual's memory.
  func winogradOutput(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, _ epilogue: Epilogue, into result: Destination,
    _ tile: WinogradTile)

  /// Computes A y Aᵀ, the transpose of ``winogradOutput(_:planes:_:into:_:)``, of a tile of y, a map with the extent of the result: one row
  /// of `outputChannels` in each of the planes of the tile's points. Pixels outside are zero. The filtering has three taps.
  func winogradGradient(
    _ tiling: WinogradTiling, _ y: UnsafePointer<Float>, yStride: Int, _ tile: WinogradTile,
    _ planes: UnsafeMutablePointer<Float>)

  /// Computes Gᵀ m G, the transpose of ``winogradFilter(_:_:count:width:_:plane:)`` for three taps: `[count, width]` in each of the planes,
  /// `plane` floats apart, to `[count, 9, width]`. The width is a multiple of the unit of ``panelLayout``.
  func winogradFilterGradient(
    _ tiling: WinogradTiling, planes: UnsafePointer<Float>, plane: Int, count: Int, width: Int,
    _ weights: UnsafeMutablePointer<Float>)

  /// Computes sums of outer products over pixels.
  func outerProducts(_ operands: OuterProductOperands)

  /// Adds the gradient of a depthwise kernel over some output rows of one image to sums `[tap, output channel]`, with `channels · multiplier`
  /// per pixel. `dy` is the gradient of the outputs, from the first of these rows on. The kernel has at most 128 taps.
  func depthwiseGradient(
    _ window: SlidingWindow, image: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, dyStride: Int, rows: Range<Int>,
    channels: Int, multiplier: Int, _ sums: UnsafeMutablePointer<Float>, sumStride: Int)

  /// Computes y[r, c] ← x[r, c] for c below `columns`, and 0 from there to `yStride`.
  func copyRows(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, columns: Int)

  /// Reduces a contiguous run to one number.
  func reduce(_ reduction: Reduction, _ x: UnsafePointer<Float>, count: Int) -> Float

  /// Computes y[c] ← reduction over r of x[r, c].
  func reduceRows(
    _ reduction: Reduction, _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int,
    _ y: UnsafeMutablePointer<Float>)

  /// Computes the softmax of each row, or its logarithm; `y` may be `x`.
  func softmax(
    logarithm: Bool, _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int,
    channels: Int)

  /// Computes the softmax of each row without the division: e to the power of each element minus the row's maximum, and in `sums` the sum
  /// of each row; `y` may be `x`.
  func softmaxNumerators(
    _ x: UnsafePointer<Float>, xStride: Int, _ y: UnsafeMutablePointer<Float>, yStride: Int, rows: Int, channels: Int,
    sums: UnsafeMutablePointer<Float>)

  /// Computes the column of the first maximum of each row; NaN counts as the largest.
  func argmax(
    _ x: UnsafePointer<Float>, xStride: Int, rows: Int, channels: Int, _ y: UnsafeMutablePointer<Int32>)
}

extension Kernels {
  /// Computes one product per plane, without prefetching.
  package func planeProducts(_ operands: PlaneOperands) {
    for plane in operands.rows.indices where operands.rows[plane].count > 0 { panelProduct(operands[plane]) }
  }
}
