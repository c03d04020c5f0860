/// 3×3 convolution of stride 1, or 4×4 transposed convolution of stride 2, by Winograd's filtering: tiles of the map are transformed,
/// multiplied by transformed weights with one product for each of the n · n evaluation points, and transformed back; see
/// ``WinogradFiltering`` and ``WinogradFrame``.
///
/// An atrous convolution of rate r is r² ordinary ones on the pixels i mod r, j mod r, so its tiles take every r-th pixel. Size and padding
/// are arbitrary: inputs outside the image are zero, and outputs outside the result are not written.
///
/// The order of execution depends on the size of the transformed weights (``Order``): they fit a core's cache, or the shared cache, or are
/// not stored at all.
///
/// Tested to 1e-4 of the largest output against Double sums; F(6 × 6) has about three times the error of F(2 × 2).
struct WinogradConvolution: ConvolutionAlgorithm {
  let method: ConvolutionMethod

  /// The work that is split over the threads, and its order.
  enum Order: Hashable, Sendable {
    /// Each thread computes a few tiles from inputs to outputs, which stay in its own cache. It is for transformed weights that fit a
    /// cache.
    case tiles
    /// All threads transform many tiles, then share out the products by points, then transform back. So each point's weights are read from
    /// memory once for all these tiles.
    case points
    /// The weights are stored untransformed, and transformed in every run. All threads transform many tiles. Then each takes a panel of
    /// output channels: for a range of input channels at a time it transforms the weights, multiplies and adds up, all in its own cache,
    /// and finally transforms back. Transformed weights are four to seven times as large: reading them from memory takes about as long as
    /// transforming, and they would be most of a network's memory.
    case panels
  }

  let order: Order
  /// The number format of transformed pixels and weights; in bfloat16, two input channels share a 32-bit word.
  let precision: ProductPrecision
  let problem: ConvolutionProblem
  let filtering: WinogradFiltering
  let frame: WinogradFrame
  /// The weights of one point: columns are the output channels of each phase of the frame.
  let matrix: PanelMatrix
  /// The untransformed weights, a row for each tap of an input channel.
  let plainMatrix: PanelMatrix
  private let kernels: any Kernels
  /// The matrix that transforms weights, row by row.
  private let filterTransform: ContiguousArray<Double>
  let tiles: WinogradTiles
  /// The ranges of input channels whose weights are transformed at once, for ``Order/panels``.
  let depths: EvenPieces
  /// The geometry of the tiles in memory, for contiguous maps.
  let tiling: WinogradTiling

  /// The most bytes of transformed weights that fit the cores' caches, and the most that are stored.
  private static let cachedWeightBytes = 9 << 20
  private static let keptWeightBytes = 34 << 20
  /// Computes the bytes of a block's planes in a core's own cache; the rest is for the pixels of the next block and the weights.
  private static func ownBlockBytes(_ cache: Int) -> Int { cache / 2 }
  /// Bytes of a block's planes if all threads work on one block.
  private static let sharedBlockBytes = 24 << 20
  /// Computes the bytes of one thread's results for a panel of output channels, and of its transformed weights: shares of its cache.
  private static func panelResultBytes(_ cache: Int) -> Int { cache / 32 * 25 }
  private static func panelWeightBytes(_ cache: Int) -> Int { cache / 2 }

  /// Makes the method with a filtering.
  static func method(
    _ filtering: WinogradFiltering, _ kind: ConvolutionMethod.Kind = .winograd, isFrequent: Bool = false,
    precision: ProductPrecision = .float32
  ) -> ConvolutionMethod {
    let format = precision == .float32 ? "" : " " + precision.rawValue
    return ConvolutionMethod("winograd " + filtering.name + format, kind, isFrequent: isFrequent) {
      WinogradConvolution($0, filtering, precision: precision, on: $1)
    }
  }

  init?(
    _ problem: ConvolutionProblem, _ filtering: WinogradFiltering, precision: ProductPrecision = .float32,
    on device: ComputeDevice
  ) {
    let wordTerms = precision.wordTerms
    let geometry = problem.geometry
    let width = device.kernels.panelLayout.unit
    guard let frame = WinogradFrame(problem), frame.taps == filtering.taps,
      problem.inputChannels >= width, problem.outputChannels >= width,
      problem.inputChannels % wordTerms == 0
    else { return nil }
    // The phases have few pixels, and only padding around them.
    if filtering.isIsolated {
      func isIsolated(_ extent: Int, _ outputs: Int, _ rate: Int, _ padding: Int) -> Bool {
        extent == outputs && padding == rate && filtering.outputs * rate >= extent
      }
      guard
        isIsolated(problem.input.height, problem.output.height, geometry.dilation.height, geometry.padding.top),
        isIsolated(problem.input.width, problem.output.width, geometry.dilation.width, geometry.padding.left)
      else { return nil }
    }
    self.problem = problem
    self.filtering = filtering
    self.precision = precision
    self.frame = frame
    method = WinogradConvolution.method(filtering, precision: precision)
    let words = problem.inputChannels / wordTerms
    let threads = device.workers.threadCount
    let points = filtering.products
    var layout = device.kernels.panelLayout
    let columns = frame.columnOffsets.count
    let floatBytes = ElementType.float32.byteCount
    let weightBytes = floatBytes * points * layout.count(k: words, n: columns)
    // Panels are two registers wide: a range of input channels and its results fit a core's cache with many channels and many tiles.
    let narrow = PanelLayout(width: min(layout.width, 2 * width), unit: width)
    // Transforms process a register of channels, also for the last panel and the last range of input channels. A panel has channels of one
    // phase.
    let lastPanel = problem.outputChannels % narrow.width
    // Filterings with few products were measured to be slower by panels.
    let takesPanels =
      filtering.pairs > 0 && (lastPanel == 0 || lastPanel >= width && frame.phases.count == 1)
      && problem.inputChannels % width == 0
    // In a core's own cache, results overwrite inputs.
    let channels = max(words, columns)
    let tileBytes = floatBytes * points * (words + columns)
    let (largest, pieces): (Int, Int)
    if weightBytes <= WinogradConvolution.cachedWeightBytes {
      order = .tiles
      let fitting = WinogradConvolution.ownBlockBytes(device.kernels.coreCacheBytes) / (floatBytes * points * channels)
      (largest, pieces) = (max(12, min(48, fitting)), threads == 1 ? 1 : 4 * threads)
    } else if weightBytes <= WinogradConvolution.keptWeightBytes || !takesPanels {
      order = .points
      (largest, pieces) = (max(24, WinogradConvolution.sharedBlockBytes / tileBytes), 1)
    } else if precision == .bfloat16 {
      // Weights are rounded when they are packed, not in every run.
      return nil
    } else {
      order = .panels
      layout = narrow
      let fitting = min(
        WinogradConvolution.sharedBlockBytes / (floatBytes * points * problem.inputChannels),
        WinogradConvolution.panelResultBytes(device.kernels.coreCacheBytes) / (floatBytes * points * layout.width))
      (largest, pieces) = (max(24, fitting), 1)
    }
    let sharing = order == .tiles ? threads : 1
    tiles = WinogradTiles(filtering, frame.extent, step: frame.inputStep, batch: problem.batch) { count in
      EvenPieces(count, largest: largest, atLeast: pieces, multipleOf: 6, threads: sharing)
    }
    matrix = PanelMatrix(
      rowOffsets: 0..<problem.inputChannels,
      columnOffsets: (0..<columns).map { $0 * problem.inputChannels }, layout: layout, on: device)
    plainMatrix = PanelMatrix(
      rowOffsets: (0..<problem.inputChannels).flatMap { input in
        frame.tapOffsets.map { input * frame.inputStride + $0 }
      }, columnOffsets: frame.columnOffsets, layout: layout, on: device)
    kernels = device.kernels
    filterTransform = ContiguousArray(filtering.filterTransform.joined())
    let weightShare = WinogradConvolution.panelWeightBytes(device.kernels.coreCacheBytes)
    depths = EvenPieces(
      problem.inputChannels,
      largest: order == .panels ? weightShare / (floatBytes * points * layout.width) : problem.inputChannels,
      multipleOf: order == .panels ? width : 1)
    // The planes have a little more than a row per tile, so that their distance is no power of two.
    let rows = tiles.blocks.size
    func plane(_ channels: Int) -> Int { (rows * channels + 15) / 16 * 16 + 16 }
    let isShared = order == .tiles
    var tiling = WinogradTiling(
      filtering, input: problem.input, inputChannels: problem.inputChannels, output: problem.output,
      outputChannels: problem.outputChannels, step: frame.inputStep, outputStep: frame.outputStep,
      inputPlane: plane(isShared ? channels : depths.size / wordTerms),
      outputPlane: plane(isShared ? channels : order == .panels ? layout.width : columns))
    tiling.wordTerms = wordTerms
    self.tiling = tiling
  }

  /// Input channels in words of 32 bits, and the words of a point's packed weights.
  var inputWords: Int { problem.inputChannels / tiling.wordTerms }
  var pointWords: Int { matrix.count / tiling.wordTerms }

  var work: WorkEstimate {
    var work = WorkEstimate()
    let (n, m) = (Double(filtering.inputs), Double(filtering.outputs))
    let points = n * n
    let tileCount = Double(tiles.productCount) / points
    // An instruction multiplies a word of each lane, whatever its terms.
    work.panelMacs = Double(tiles.productCount) * Double(pointWords)
    work.panelResults = Double(tiles.productCount) * Double(matrix.count / matrix.k)
    // A line of n takes n · pairs operations in the input transform and (m / 2 + 1) · m in the output transform, or a product with a
    // matrix. There are 2 n lines in the input transform, and n + m in the output transform.
    let (inputs, outputs) = (Double(problem.inputChannels), Double(matrix.n))
    let taps = Double(frame.taps)
    let (there, back) = filtering.pairs > 0 ? (n * m / 2, m * (m / 2 + 1)) : (n * Double(filtering.reads), m * n)
    work.vectorOperations = tileCount * (inputs * (n + Double(filtering.reads)) * there + outputs * (n + m) * back)
    work.bytesMoved = ElementType.float32.byteCount(of: tileCount * points * (2 * Double(inputWords) + outputs))
    if order == .panels {
      // G g Gᵀ takes about 2 n (r + n) operations. Results are accumulated for each range of input channels, and the planes of inputs are
      // read for each panel.
      let transforms = Double(tiles.blocks.pieces) * inputs * outputs
      work.vectorOperations += transforms * 2 * n * (taps + n)
      work.panelResults *= Double(depths.pieces)
      work.weightBytes = ElementType.float32.byteCount(of: taps * taps * transforms)
    } else {
      work.weightBytes = ElementType.float32.byteCount(
        of: Double(tiles.blocks.pieces) * points * Double(pointWords))
    }
    return work
  }

  var packedFormat: PackedFormat {
    guard precision == .float32 else {
      // A word of 32 bits is a pair of bfloat16.
      return PackedFormat(name, .int32, "bfloat16 pairs, " + filtering.packing, panels: matrix.layout)
    }
    return float32Format(order == .panels ? "taps a channel" : filtering.packing, panels: matrix.layout)
  }
  var packedCount: Int { order == .panels ? plainMatrix.count : filtering.products * pointWords }

  /// Packs constant weights; transformed ones are computed in Double.
  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, over workers: WorkerPool) {
    guard order != .panels else { return plainMatrix.pack(weights, into: packed, over: workers) }
    withUnsafeTemporaryAllocation(
      byteCount: ElementType.float32.byteCount(of: workers.threadCount * threadPackingCount),
      alignment: AlignedMemory.alignment
    ) { memory in
      let scratch = memory.baseAddress!.bindMemory(
        to: Float.self, capacity: memory.count / ElementType.float32.byteCount)
      packTransformed(weights, into: packed, scratch: scratch, over: workers)
    }
  }

  /// The scratch numbers of one thread: g, G g and a row of the transformed weights, with the columns of a panel each, in Double.
  private var threadPackingCount: Int {
    let (n, r) = (filtering.inputs, frame.taps)
    return (2 * (r * r + r * n + 1) * matrix.layout.width + 15) / 16 * 16
  }

  /// The input channels whose weights are transformed at a time if the network computes them.
  private var packedInputs: EvenPieces { EvenPieces(matrix.k, largest: 32) }
  private var runPackingCount: Int { packedInputs.size * frame.taps * frame.taps * matrix.layout.width }

  func packingScratchCount(threads: Int) -> Int { order == .panels ? 0 : threads * runPackingCount }

  /// Weights that are transformed in every run are packed along with it.
  var packsWhileRunning: Bool { order == .panels }

  /// Packs weights that the network computes; they are transformed in float32.
  func pack(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    guard order != .panels else { return plainMatrix.pack(weights, into: packed, over: workers) }
    let (layout, taps, inputs) = (matrix.layout, frame.taps * frame.taps, packedInputs)
    let panels = (matrix.n + layout.width - 1) / layout.width
    workers.forEach(panels * inputs.pieces) { index, worker in
      let (panel, piece) = index.quotientAndRemainder(dividingBy: inputs.pieces)
      let (column, channels) = (panel * layout.width, inputs[piece])
      let stored = layout.storedColumns(at: column, of: matrix.n)
      let plain = scratch + worker * runPackingCount
      plainMatrix.pack(
        rows: channels.lowerBound * taps..<channels.upperBound * taps, groupedBy: taps, ofPanelAt: column, weights,
        into: plain)
      kernels.winogradFilter(
        tiling, plain, count: channels.count, width: stored,
        packed + layout.offset(ofPanelAt: column, k: matrix.k) + channels.lowerBound * stored, plane: matrix.count)
    }
  }

  private func packTransformed(
    _ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>,
    over workers: WorkerPool
  ) {
    let (n, r, layout, transform) = (filtering.inputs, frame.taps, matrix.layout, filterTransform)
    let panels = (matrix.n + layout.width - 1) / layout.width
    workers.forEach(panels) { panel, worker in
      let column = panel * layout.width
      let stored = layout.storedColumns(at: column, of: matrix.n)
      let present = min(stored, matrix.n - column)
      let target = packed + layout.offset(ofPanelAt: column, k: inputWords)
      let count = (r * r + r * n + 1) * stored
      // g and G g, with a row of the panel's columns each.
      (scratch + worker * threadPackingCount).withMemoryRebound(to: Double.self, capacity: count) { g in
        g.initialize(repeating: 0, count: count)
        let half = g + r * r * stored
        let sum = half + r * n * stored
        // Multiplies rows of G by rows of `count` numbers.
        func multiply(
          _ point: Int, _ rows: UnsafePointer<Double>, _ count: Int, into result: UnsafeMutablePointer<Double>
        ) {
          for index in 0..<count { result[index] = transform[point * r] * rows[index] }
          for tap in 1..<r {
            let (factor, row) = (transform[point * r + tap], rows + tap * count)
            for index in 0..<count { result[index] += factor * row[index] }
          }
        }
        for input in 0..<matrix.k {
          for index in 0..<present {
            let source = weights + frame.columnOffsets[column + index] + input * frame.inputStride
            for tap in 0..<r * r { g[tap * stored + index] = Double(source[frame.tapOffsets[tap]]) }
          }
          for i in 0..<n { multiply(i, g, r * stored, into: half + i * r * stored) }
          for i in 0..<n {
            for j in 0..<n {
              multiply(j, half + i * r * stored, stored, into: sum)
              let place = target + (i * n + j) * pointWords + input / tiling.wordTerms * stored
              if precision == .float32 {
                for index in 0..<stored { place[index] = Float(sum[index]) }
              } else {
                let pairs = UnsafeMutableRawPointer(place)
                for index in 0..<stored {
                  pairs.storeBytes(
                    of: BFloat16.bits(of: Float(sum[index])), toByteOffset: 4 * index + 2 * (input % 2), as: UInt16.self
                  )
                }
              }
            }
          }
        }
      }
    }
  }
}
