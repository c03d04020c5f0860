/// Convolution of any geometry as a product whose left-hand rows are the pixels of the map in place: a list of pointers to the pixel of
/// each tap of each output replaces im2col (the indirect convolution of Dukhan 2019).
///
/// The sums over all taps stay in registers. A tap on padding reads a row of zeros. A tap on padding for a whole block of outputs is
/// skipped, so with a large dilation only the taps inside the image cost time.
///
/// In maps of few channels (an image) a tap is too short to be worth a pointer. There one pointer covers the taps of a kernel row, which
/// are contiguous. If they are not (dilation, groups, a subview), patches are gathered.
struct DirectConvolution: TiledConvolutionAlgorithm {
  static let method = ConvolutionMethod("direct", .general, isFrequent: true) { DirectConvolution($0, on: $1) }
  var method: ConvolutionMethod { DirectConvolution.method }

  private let problem: ConvolutionProblem
  private let matrix: PanelMatrix
  private let tiles: PanelTiles
  private let reading: Reading

  /// The left-hand rows of the product.
  private enum Reading {
    /// The pixels of the taps.
    case taps
    /// The contiguous pixels of a kernel row.
    case kernelRows
    /// A copy of each patch.
    case patches
  }

  /// Rows of a block of the product kernel.
  private static let block = 6

  init?(_ problem: ConvolutionProblem, on device: ComputeDevice) {
    guard problem.direction == .forward, !problem.geometry.isPointwise || problem.geometry.groups > 1 else {
      return nil
    }
    self.problem = problem
    matrix = problem.tapMajorMatrix(on: device)
    let geometry = problem.geometry
    if problem.groupInputs >= 12 {
      reading = .taps
    } else {
      reading = geometry.groups == 1 && geometry.dilation.width == 1 ? .kernelRows : .patches
    }
    tiles = PanelTiles(rows: problem.outputPixels, matrix, threads: device.workers.threadCount)
  }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let pixels = Double(problem.batch * problem.outputPixels)
    let groups = Double(problem.geometry.groups)
    work.panelMacs = groups * pixels * Double(matrix.count) * (reading == .taps ? computedShare : 1)
    work.panelResults = groups * pixels * Double(matrix.count / matrix.k)
    work.weightBytes = ElementType.float32.byteCount(
      of: Double(problem.batch * tiles.rowPieces * problem.geometry.groups * matrix.count))
    let bytes =
      switch reading {
      case .taps: 16 * problem.taps
      case .kernelRows: 16 * problem.geometry.kernel.height
      case .patches: 8 * matrix.k
      }
    work.bytesMoved = groups * pixels * Double(bytes)
    return work
  }

  /// The share of the taps that is computed. Taps on padding for a whole block of outputs are skipped.
  private var computedShare: Double {
    let geometry = problem.geometry
    func share(
      _ outputs: Int, _ inputs: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ padding: Int, _ block: Int
    )
      -> Double
    {
      var (computed, all) = (0, 0)
      for first in Swift.stride(from: 0, to: outputs, by: block) {
        let count = min(block, outputs - first)
        all += count * kernel
        for tap in 0..<kernel {
          let low = first * stride - padding + tap * dilation
          if low + (count - 1) * stride >= 0, low < inputs { computed += count }
        }
      }
      return Double(computed) / Double(max(1, all))
    }
    return share(
      problem.output.height, problem.input.height, geometry.kernel.height, geometry.stride.height,
      geometry.dilation.height, geometry.padding.top, 1)
      * share(
        problem.output.width, problem.input.width, geometry.kernel.width, geometry.stride.width,
        geometry.dilation.width, geometry.padding.left, DirectConvolution.block)
  }

  /// A matrix for each group, followed by the zeros for padding.
  var packedFormat: PackedFormat { float32Format("tap-major, \(zeroCount) zeros", panels: matrix.layout) }
  private var zeros: Int { problem.geometry.groups * matrix.count }
  private var zeroCount: Int { reading == .taps ? problem.inputChannels : runLength }
  var packedCount: Int { zeros + zeroCount }

  /// Floats of a kernel row's taps.
  private var runLength: Int { problem.geometry.kernel.width * problem.inputChannels }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    for group in 0..<problem.geometry.groups {
      matrix.pack(
        weights + group * problem.weights.group, into: packed + group * matrix.count, over: workers)
    }
    (packed + zeros).initialize(repeating: 0, count: zeroCount)
  }

  var tileCount: Int { problem.batch * tiles.count }

  /// Pointers, of two floats each; gathered rows; or pointers and copies of the rows that are partly padding.
  var tileScratchCount: Int {
    switch reading {
    case .taps: 2 * tiles.largestRowCount * problem.taps
    case .kernelRows: tiles.largestRowCount * (2 * problem.geometry.kernel.height + matrix.k)
    case .patches: tiles.largestRowCount * matrix.k
    }
  }

  func runTile(_ tile: Int, _ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    let (image, piece) = tile.quotientAndRemainder(dividingBy: tiles.count)
    let (pixels, channels) = tiles[piece]
    let firstPanel = matrix.layout.offset(ofPanelAt: channels.lowerBound, k: matrix.k)
    let x = run.x + image * problem.inputPixels * run.xStride
    let first = image * problem.outputPixels + pixels.lowerBound
    let window = problem.window(pixelStride: run.xStride)
    let padding = UnsafePointer(run.weights + zeros)
    let addresses = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: UnsafePointer<Float>.self)

    if reading == .kernelRows, run.xStride == problem.inputChannels {
      let rows = problem.geometry.kernel.height
      window.locateKernelRows(
        image: x, padding: padding, pixels: pixels, addresses, copies: scratch + 2 * rows * pixels.count)
      run.product(
        .pointed(addresses, padding: padding, offset: 0), pixel: first, count: pixels.count, taps: rows,
        depth: runLength, panels: run.weights + firstPanel, firstChannel: channels.lowerBound, channels: channels.count)
      return
    }
    if reading == .taps { window.locatePatches(image: x, padding: padding, pixels: pixels, addresses) }
    for group in 0..<problem.geometry.groups {
      let panels = run.weights + group * matrix.count + firstPanel
      let (firstInput, firstOutput) = (group * problem.groupInputs, group * problem.groupOutputs + channels.lowerBound)
      if reading == .taps {
        run.product(
          .pointed(addresses, padding: padding, offset: firstInput), pixel: first, count: pixels.count,
          taps: problem.taps, depth: problem.groupInputs, panels: panels, firstChannel: firstOutput,
          channels: channels.count)
      } else {
        run.kernels.gatherPatches(
          window, image: x + firstInput, first: pixels.lowerBound, count: pixels.count, channels: problem.groupInputs,
          scratch)
        run.product(
          .strided(scratch, stride: matrix.k), pixel: first, count: pixels.count, depth: matrix.k, panels: panels,
          firstChannel: firstOutput, channels: channels.count)
      }
    }
  }
}

extension SlidingWindow {
  /// Writes the address of each tap's pixel for the outputs `pixels` (counted row by row in one image), `[tap][pixel]`; `padding` if it is
  /// outside.
  func locatePatches(
    image: UnsafePointer<Float>, padding: UnsafePointer<Float>, pixels: Range<Int>,
    _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>
  ) {
    var target = addresses
    for i in 0..<geometry.kernel.height {
      for j in 0..<geometry.kernel.width {
        var (row, column) = pixels.lowerBound.quotientAndRemainder(dividingBy: outputWidth)
        var left = pixels.count
        while left > 0 {
          let count = min(left, outputWidth - column)
          let y = row * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
          var x = column * geometry.stride.width - geometry.padding.left + j * geometry.dilation.width
          if y < 0 || y >= inputHeight {
            target.update(repeating: padding, count: count)
          } else {
            let line = image + y * inputWidth * pixelStride
            for index in 0..<count {
              target[index] = x >= 0 && x < inputWidth ? line + x * pixelStride : padding
              x += geometry.stride.width
            }
          }
          target += count
          left -= count
          row += 1
          column = 0
        }
      }
    }
  }

  /// Writes the address of each kernel row's run of pixels for the outputs `pixels` in a contiguous image, `[kernel row][pixel]`; `padding`
  /// if it is outside. A run that is partly outside is copied to `copies` and filled up with zeros.
  func locateKernelRows(
    image: UnsafePointer<Float>, padding: UnsafePointer<Float>, pixels: Range<Int>,
    _ addresses: UnsafeMutablePointer<UnsafePointer<Float>>, copies: UnsafeMutablePointer<Float>
  ) {
    let channels = pixelStride
    let (width, stride) = (geometry.kernel.width, geometry.stride.width)
    var target = addresses
    var copy = copies
    for i in 0..<geometry.kernel.height {
      var (row, column) = pixels.lowerBound.quotientAndRemainder(dividingBy: outputWidth)
      var left = pixels.count
      while left > 0 {
        let count = min(left, outputWidth - column)
        let y = row * geometry.stride.height - geometry.padding.top + i * geometry.dilation.height
        if y < 0 || y >= inputHeight {
          target.update(repeating: padding, count: count)
        } else {
          let line = image + y * inputWidth * channels
          for index in 0..<count {
            let x = (column + index) * stride - geometry.padding.left
            if x >= 0, x + width <= inputWidth {
              target[index] = line + x * channels
              continue
            }
            let inside = max(x, 0)..<max(min(x + width, inputWidth), max(x, 0))
            copy.update(repeating: 0, count: width * channels)
            (copy + (inside.lowerBound - x) * channels).update(
              from: line + inside.lowerBound * channels, count: inside.count * channels)
            target[index] = UnsafePointer(copy)
            copy += width * channels
          }
        }
        target += count
        left -= count
        row += 1
        column = 0
      }
    }
  }
}
