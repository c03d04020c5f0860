/// How a Winograd convolution runs, in each of its orders.
extension WinogradConvolution {
  private var blocks: EvenPieces { tiles.blocks }

  /// Floats of the planes of a block's inputs, for a number of input channels, and of its results.
  private var inputPlanes: Int { filtering.products * tiling.inputPlane }
  private var outputPlanes: Int { filtering.products * tiling.outputPlane }

  /// The output channels in several ranges, so that there are more tasks than evaluation points: threads do not run equally fast.
  private var pointColumns: EvenPieces {
    let macs = blocks.size * matrix.k * matrix.n
    return EvenPieces(matrix.n, largest: matrix.n, atLeast: max(1, macs / (24 << 20)), multipleOf: matrix.layout.width)
  }

  /// Computes the floats from one point's transformed weights to the next one's. Rows of all points are written in turn; a power of two
  /// would map them to the same few cache lines.
  private func transformedPlane(_ count: Int) -> Int { count + 16 }

  /// The scratch memory that all threads share.
  private var sharedScratch: Int {
    switch order {
    case .tiles: 0
    case .points: inputPlanes + outputPlanes
    case .panels: depths.pieces * inputPlanes
    }
  }

  /// The additional scratch memory of one thread.
  private var threadScratch: Int {
    switch order {
    case .tiles: inputPlanes + tiling.outputPlane + PrefetchList.floatCount(capacity: prefetchCapacity)
    case .points: 0
    case .panels:
      outputPlanes + filtering.products * transformedPlane(depths.size * matrix.layout.width)
        + frame.taps * frame.taps * depths.size * matrix.layout.width
    }
  }

  func scratchCount(threads: Int) -> Int { sharedScratch + threads * threadScratch }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    var tiling = tiling
    tiling.xStride = run.xStride
    switch order {
    case .tiles: runByTiles(run, tiling, scratch)
    case .points: runByPoints(run, tiling, scratch)
    case .panels: runByPanels(run, tiling, scratch)
    }
  }

  private func runByTiles(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    run.workers.forEach(blocks.pieces) { index, worker in
      let block = tiles[block: index]
      // The results of a point overwrite the plane of the point before, which is no longer needed.
      let results = scratch + worker * threadScratch
      let planes = results + tiling.outputPlane
      for tile in 0..<block.tiles.count {
        transformInput(tile, of: block, tiling, run, firstChannel: 0, planes + tile * inputWords)
      }
      let next = run.workers.following(index, worker)
      var prefetches = PrefetchList(planes + inputPlanes, capacity: prefetchCapacity)
      listOutputs(block, tiling, run, &prefetches)
      if (0..<blocks.pieces).contains(next) {
        listInputs(tiles[block: next], isBackwards: next < index, tiling, run, &prefetches)
      }
      var product = PanelOperands(
        rows: .strided(planes, stride: inputWords), rowCount: block.tiles.count, depth: inputWords,
        panels: run.weights, columns: matrix.n, into: Destination(results, stride: matrix.n))
      product.wordTerms = tiling.wordTerms
      multiply(block, product, tiling, panelPlane: pointWords, prefetches: prefetches.runs, run)
      for point in 0..<filtering.products { clearResults(point, block, columns: 0..<matrix.n, tiling, results) }
      for tile in 0..<block.tiles.count {
        transformOutput(tile, of: block, tiling, run, results + tile * matrix.n, columns: 0..<matrix.n)
      }
    }
  }

  /// The most memory ranges that a block reads and writes if pixels are not contiguous: those of inputs, outputs and a residual.
  private var prefetchCapacity: Int {
    let outputs = filtering.outputs * filtering.outputs
    return blocks.size * outputs * (1 + 2 * frame.phases.count)
  }

  /// Computes the products of a block's tiles at all points.
  private func multiply(
    _ block: WinogradTiles.Block, _ product: PanelOperands, _ tiling: WinogradTiling, panelPlane: Int,
    prefetches: UnsafeBufferPointer<PlaneOperands.PrefetchRun>, _ run: ConvolutionRun
  ) {
    withUnsafeTemporaryAllocation(of: PlaneOperands.Rows.self, capacity: filtering.products) { rows in
      for point in rows.indices { rows[point] = .init(block.taking(point)) }
      run.kernels.planeProducts(
        PlaneOperands(
          first: product, rows: UnsafeBufferPointer(rows), rowPlane: tiling.inputPlane, panelPlane: panelPlane,
          resultPlane: tiling.outputPlane, prefetches: prefetches))
    }
  }

  /// Lists the pixels that the block's tiles read and that their neighbours in the thread's current block do not: those to the right and
  /// below, or, backwards, those to the left and above.
  private func listInputs(
    _ block: WinogradTiles.Block, isBackwards: Bool, _ tiling: WinogradTiling, _ run: ConvolutionRun,
    _ list: inout PrefetchList
  ) {
    let (padding, step) = (inputPadding, tiling.step)
    let shared = isBackwards ? 0 : filtering.reads - filtering.outputs
    for tile in 0..<block.tiles.count {
      let (image, place) = tiles[tile, of: block]
      let column = place.column - padding.left + shared * step.width
      guard (0..<problem.input.width).contains(column) else { continue }
      let columns = min(filtering.outputs, (problem.input.width - column + step.width - 1) / step.width)
      for line in 0..<filtering.outputs {
        let row = place.row - padding.top + (line + shared) * step.height
        guard (0..<problem.input.height).contains(row) else { continue }
        let pixel = image * problem.inputPixels + row * problem.input.width + column
        list.append(
          run.x + pixel * run.xStride, stride: step.width * run.xStride, rows: columns, count: problem.inputChannels)
      }
    }
  }

  /// Lists the memory that tiles write, and that of the residual.
  private func listOutputs(
    _ block: WinogradTiles.Block, _ tiling: WinogradTiling, _ run: ConvolutionRun, _ list: inout PrefetchList
  ) {
    let (outputs, step) = (filtering.outputs, tiling.outputStep)
    for tile in 0..<block.tiles.count {
      let (image, place) = tiles[tile, of: block]
      for phase in frame.phases.indices {
        let target = frame.target(of: place, phase: phase)
        // A phase of a transposed convolution may begin one pixel outside.
        let column = target.column < 0 ? target.column + step.width : target.column
        let columns = min(outputs, (problem.output.width - column + step.width - 1) / step.width)
        for line in 0..<outputs {
          let row = target.row + line * step.height
          guard (0..<problem.output.height).contains(row) else { continue }
          let pixel = image * problem.outputPixels + row * problem.output.width + column
          list.append(
            run.result.row(pixel), stride: step.width * run.result.stride, rows: columns,
            count: problem.outputChannels, isWritten: true)
          if let residual = run.epilogue.residual, !run.accumulates {
            let stride = run.epilogue.residualStride
            list.append(
              residual + pixel * stride, stride: step.width * stride, rows: columns, count: problem.outputChannels)
          }
        }
      }
    }
  }

  private func runByPoints(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    let workers = run.workers
    let results = scratch + inputPlanes
    let parts = pointColumns
    for index in 0..<blocks.pieces {
      let block = tiles[block: index]
      workers.forEachRange(block.tiles.count, grain: 1) { range, _ in
        for tile in range {
          transformInput(
            tile, of: block, tiling, run, firstChannel: 0, scratch + tile * inputWords)
        }
      }
      workers.forEach(filtering.products * parts.pieces) { index, _ in
        let (point, piece) = index.quotientAndRemainder(dividingBy: parts.pieces)
        multiply(point, block, columns: parts[piece], tiling, run, scratch, results)
      }
      workers.forEachRange(block.tiles.count, grain: 1) { range, _ in
        for tile in range {
          transformOutput(tile, of: block, tiling, run, results + tile * matrix.n, columns: 0..<matrix.n)
        }
      }
    }
  }

  private func runByPanels(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    let (workers, layout) = (run.workers, matrix.layout)
    let panels = EvenPieces(matrix.n, largest: layout.width, multipleOf: layout.width)
    let taps = frame.taps * frame.taps
    for index in 0..<blocks.pieces {
      let block = tiles[block: index]
      workers.forEachRange(block.tiles.count, grain: 1) { range, _ in
        for tile in range {
          for part in 0..<depths.pieces {
            var tiling = tiling
            tiling.inputChannels = depths[part].count
            transformInput(
              tile, of: block, tiling, run, firstChannel: depths[part].lowerBound,
              scratch + part * inputPlanes + tile * depths[part].count)
          }
        }
      }
      workers.forEach(panels.pieces) { panel, worker in
        let channels = panels[panel]
        let stored = layout.storedColumns(at: channels.lowerBound, of: matrix.n)
        var tiling = tiling
        tiling.outputChannels = channels.count
        let results = scratch + sharedScratch + worker * threadScratch
        let transformed = results + outputPlanes
        // Computed weights are packed here, in the thread's cache.
        let plain = transformed + filtering.products * transformedPlane(depths.size * layout.width)
        let weights = run.weights + layout.offset(ofPanelAt: channels.lowerBound, k: taps * matrix.k)
        for part in 0..<depths.pieces {
          let inputs = depths[part]
          tiling.inputChannels = inputs.count
          let plane = transformedPlane(inputs.count * stored)
          if !run.isPacked {
            plainMatrix.pack(
              rows: taps * inputs.lowerBound..<taps * inputs.upperBound, groupedBy: taps,
              ofPanelAt: channels.lowerBound, run.weights, into: plain)
          }
          run.kernels.winogradFilter(
            tiling, run.isPacked ? weights + taps * inputs.lowerBound * stored : UnsafePointer(plain),
            count: inputs.count, width: stored, transformed, plane: plane)
          let next = run.isPacked ? nextWeights(panel, part, panels, worker, of: workers) : 0..<0
          var product = PanelOperands(
            rows: .strided(scratch + part * inputPlanes, stride: inputs.count), rowCount: block.tiles.count,
            depth: inputs.count, panels: transformed, columns: channels.count,
            into: Destination(results, stride: channels.count))
          product.accumulates = part > 0
          withUnsafePointer(to: PlaneOperands.PrefetchRun(first: run.weights + next.lowerBound, count: next.count)) {
            multiply(
              block, product, tiling, panelPlane: plane, prefetches: UnsafeBufferPointer(start: $0, count: 1), run)
          }
        }
        for tile in 0..<block.tiles.count {
          transformOutput(tile, of: block, tiling, run, results + tile * channels.count, columns: channels)
        }
      }
    }
  }

  /// Predicts the range of weights that a thread transforms next: those of the panel's next input channels, or those of the thread's next
  /// panel if all threads take turns.
  private func nextWeights(_ panel: Int, _ part: Int, _ panels: EvenPieces, _ worker: Int, of workers: WorkerPool)
    -> Range<Int>
  {
    let isLast = part + 1 == depths.pieces
    let next = isLast ? workers.following(panel, worker) : panel
    guard (0..<panels.pieces).contains(next) else { return 0..<0 }
    let (column, inputs) = (panels[next].lowerBound, depths[isLast ? 0 : part + 1])
    let stored = matrix.layout.storedColumns(at: column, of: matrix.n)
    let taps = frame.taps * frame.taps
    let first = matrix.layout.offset(ofPanelAt: column, k: taps * matrix.k) + taps * inputs.lowerBound * stored
    return first..<first + taps * inputs.count * stored
  }

  /// The pixels from the first that a tile reads to the first that it writes. It is 0 for a tile that reads as many as it writes.
  private var inputPadding: (top: Int, left: Int) {
    filtering.isIsolated ? (0, 0) : frame.padding
  }

  private func transformInput(
    _ tile: Int, of block: WinogradTiles.Block, _ tiling: WinogradTiling, _ run: ConvolutionRun, firstChannel: Int,
    _ planes: UnsafeMutablePointer<Float>
  ) {
    let (image, place) = tiles[tile, of: block]
    run.kernels.winogradInput(
      tiling, image: run.x + image * problem.inputPixels * run.xStride + firstChannel, place, padding: inputPadding,
      planes)
  }

  /// Writes zeros to the results of a block's tiles that have no product at a point. Smaller isolated maps are transformed like whole ones.
  private func clearResults(
    _ point: Int, _ block: WinogradTiles.Block, columns: Range<Int>, _ tiling: WinogradTiling,
    _ results: UnsafeMutablePointer<Float>
  ) {
    guard filtering.isIsolated else { return }
    let (taking, y) = (block.taking(point), results + point * tiling.outputPlane + columns.lowerBound)
    for tile in 0..<block.tiles.count where !taking.contains(tile) {
      (y + tile * matrix.n).update(repeating: 0, count: columns.count)
    }
  }

  /// Computes some columns of the results of a block's tiles at a point.
  private func multiply(
    _ point: Int, _ block: WinogradTiles.Block, columns: Range<Int>, _ tiling: WinogradTiling, _ run: ConvolutionRun,
    _ planes: UnsafePointer<Float>, _ results: UnsafeMutablePointer<Float>
  ) {
    clearResults(point, block, columns: columns, tiling, results)
    let taking = block.taking(point)
    guard !taking.isEmpty else { return }
    let first = taking.lowerBound
    var product = PanelOperands(
      rows: .strided(planes + point * tiling.inputPlane + first * inputWords, stride: inputWords),
      rowCount: taking.count, depth: inputWords,
      panels: run.weights + point * pointWords + matrix.layout.offset(ofPanelAt: columns.lowerBound, k: inputWords),
      columns: columns.count,
      into: Destination(
        results + point * tiling.outputPlane + first * matrix.n + columns.lowerBound, stride: matrix.n))
    product.wordTerms = tiling.wordTerms
    run.kernels.panelProduct(product)
  }

  /// Tiles begin at even pixels, so each pooling window is within one tile.
  var pools: Bool {
    frame.phases.count == 1 && frame.inputStep == 1 && filtering.outputs % 2 == 0 && !filtering.isIsolated
  }

  /// Pools a tile's outputs, if the run pools.
  private func pool(
    _ tile: WinogradTile, _ image: Int, firstChannel: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun
  ) {
    guard let pooled = run.pooled else { return }
    let output = problem.output
    let window = SlidingWindow(
      inputHeight: output.height - tile.row, inputWidth: output.width, pixelStride: run.result.stride,
      geometry: PoolingConvolution.pool.geometry,
      outputWidth: min(filtering.outputs, output.width - tile.column) / 2)
    let pixels =
      run.result.row(image * problem.outputPixels + tile.row * output.width + tile.column) + firstChannel
    let (height, width) = (output.height / 2, output.width / 2)
    for row in 0..<min(filtering.outputs, output.height - tile.row) / 2 {
      let first = (image * height + tile.row / 2 + row) * width + tile.column / 2
      run.kernels.maxPool(
        window, image: pixels, outputRow: row, channels: tiling.outputChannels,
        pooled + first * run.pooledStride + firstChannel, yStride: run.pooledStride, indices: nil, indexStride: 0)
    }
  }

  /// Transforms some columns of a tile's results to outputs: those of all phases, or channels of one.
  private func transformOutput(
    _ tile: Int, of block: WinogradTiles.Block, _ tiling: WinogradTiling, _ run: ConvolutionRun,
    _ results: UnsafePointer<Float>, columns: Range<Int>
  ) {
    let (image, place) = tiles[tile, of: block]
    let pixels = image * problem.outputPixels
    var column = columns.lowerBound
    while column < columns.upperBound {
      let (phase, channel) = column.quotientAndRemainder(dividingBy: problem.outputChannels)
      run.kernels.winogradOutput(
        tiling, planes: results + column - columns.lowerBound, run.epilogue.part(row: pixels, column: channel),
        into: run.result.part(row: pixels, column: channel), frame.target(of: place, phase: phase))
      pool(place, image, firstChannel: channel, tiling, run)
      column += tiling.outputChannels
    }
  }
}
