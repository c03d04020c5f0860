/// How a Winograd convolution runs, in each of its orders.
extension WinogradConvolution {
  /// Floats of the planes of a block's inputs, of some depth, and of its results.
  private var inputPlanes: Int { filtering.products * tiling.inputPlane }
  private var outputPlanes: Int { filtering.products * tiling.outputPlane }

  /// Output channels in parts, so that there is more than a point for every thread: they do not run equally fast.
  private var pointColumns: EvenPieces {
    let macs = blocks.size * matrix.k * matrix.n
    return EvenPieces(matrix.n, largest: matrix.n, atLeast: max(1, macs / (24 << 20)), multipleOf: matrix.layout.width)
  }

  /// Floats from a point's transformed weights to the next one's: rows of all points are written in turn, which a power of two would
  /// send to the same few lines of a cache.
  private func transformedPlane(_ count: Int) -> Int { count + 16 }

  /// Scratch memory that all threads share.
  private var sharedScratch: Int {
    switch order {
    case .tiles: 0
    case .points: inputPlanes + outputPlanes
    case .panels: depths.pieces * inputPlanes
    }
  }

  /// Scratch memory of one thread besides.
  private var threadScratch: Int {
    switch order {
    case .tiles: inputPlanes + tiling.outputPlane
    case .points: 0
    case .panels: outputPlanes + filtering.products * transformedPlane(depths.size * matrix.layout.width)
    }
  }

  func scratchCount(threads: Int) -> Int { sharedScratch + threads * threadScratch }

  func run(_ run: ConvolutionRun, scratch: UnsafeMutablePointer<Float>) {
    var tiling = tiling
    tiling.xStride = run.xStride
    tiling.yStride = run.yStride
    tiling.residualStride = run.residualStride
    switch order {
    case .tiles: runByTiles(run, tiling, scratch)
    case .points: runByPoints(run, tiling, scratch)
    case .panels: runByPanels(run, tiling, scratch)
    }
  }

  private func runByTiles(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    run.backend.workers.forEach(blocks.pieces) { block, worker in
      let tiles = blocks[block]
      // The results of a point take the place of the plane before its own, which is used up.
      let results = scratch + worker * threadScratch
      let planes = results + tiling.outputPlane
      for (index, tile) in tiles.enumerated() {
        transformInput(tile, tiling, run, firstChannel: 0, planes + index * problem.inputChannels)
      }
      let next = block + run.backend.workers.threadCount
      let ahead = next < blocks.pieces ? blocks[next] : 0..<0
      for point in 0..<filtering.products {
        prefetchInputs(ahead, share: point, tiling, run)
        prefetchOutputs(tiles, share: point, tiling, run)
        multiply(
          point, tiles, columns: 0..<matrix.n, of: matrix.n, tiling, run, planes,
          panels: run.weights + point * matrix.count, results)
      }
      for (index, tile) in tiles.enumerated() {
        transformOutput(tile, tiling, run, results + index * matrix.n, columns: 0..<matrix.n)
      }
    }
  }

  /// The part of some work that falls to a point, where it is done along with the products of all points.
  private func share(_ point: Int, of count: Int) -> Range<Int> {
    count * point / filtering.products..<count * (point + 1) / filtering.products
  }

  /// Asks for a share of the pixels that tiles read beyond those of the tiles before them and above, so that they come while products
  /// are computed.
  private func prefetchInputs(
    _ tiles: Range<Int>, share point: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun
  ) {
    for index in share(point, of: tiles.count * filtering.outputs) {
      let (tile, line) = index.quotientAndRemainder(dividingBy: filtering.outputs)
      let (image, place) = self.tiles[tiles.lowerBound + tile]
      let (padding, step, shared) = (inputPadding, tiling.step, filtering.reads - filtering.outputs)
      let inputRow = place.row - padding.top + (line + shared) * step.height
      let inputColumn = place.column - padding.left + shared * step.width
      guard (0..<problem.input.height).contains(inputRow), (0..<problem.input.width).contains(inputColumn) else {
        continue
      }
      let pixel = image * problem.inputPixels + inputRow * problem.input.width + inputColumn
      run.backend.prefetch(
        run.x + pixel * run.xStride, stride: step.width * run.xStride,
        rows: min(filtering.outputs, (problem.input.width - inputColumn + step.width - 1) / step.width),
        count: problem.inputChannels, forWriting: false)
    }
  }

  /// Asks for a share of the places that tiles write, and of what is added there.
  private func prefetchOutputs(
    _ tiles: Range<Int>, share point: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun
  ) {
    let (outputs, phases, step) = (filtering.outputs, frame.phases.count, tiling.outputStep)
    for index in share(point, of: tiles.count * phases * outputs) {
      let (rest, line) = index.quotientAndRemainder(dividingBy: outputs)
      let (tile, phase) = rest.quotientAndRemainder(dividingBy: phases)
      let (image, place) = self.tiles[tiles.lowerBound + tile]
      let target = frame.target(of: place, phase: phase)
      let row = target.row + line * step.height
      guard (0..<problem.output.height).contains(row) else { continue }
      // A phase of a transposed convolution may begin a pixel outside.
      let column = target.column < 0 ? target.column + step.width : target.column
      let pixel = image * problem.outputPixels + row * problem.output.width + column
      let columns = min(outputs, (problem.output.width - column + step.width - 1) / step.width)
      run.backend.prefetch(
        run.y + pixel * run.yStride, stride: step.width * run.yStride, rows: columns, count: problem.outputChannels,
        forWriting: true)
      if let residual = run.residual, !run.addsInPlace {
        run.backend.prefetch(
          residual + pixel * run.residualStride, stride: step.width * run.residualStride, rows: columns,
          count: problem.outputChannels, forWriting: false)
      }
    }
  }

  private func runByPoints(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    let workers = run.backend.workers
    let results = scratch + inputPlanes
    let parts = pointColumns
    for block in 0..<blocks.pieces {
      let tiles = blocks[block]
      workers.forEachRange(tiles.count, grain: 1) { range, _ in
        for index in range {
          transformInput(
            tiles.lowerBound + index, tiling, run, firstChannel: 0, scratch + index * problem.inputChannels)
        }
      }
      workers.forEach(filtering.products * parts.pieces) { index, _ in
        let (point, piece) = index.quotientAndRemainder(dividingBy: parts.pieces)
        let columns = parts[piece]
        multiply(
          point, tiles, columns: columns, of: matrix.n, tiling, run, scratch,
          panels: run.weights + point * matrix.count + matrix.layout.offset(ofPanelAt: columns.lowerBound, k: matrix.k),
          results)
      }
      workers.forEachRange(tiles.count, grain: 1) { range, _ in
        for index in range {
          transformOutput(
            tiles.lowerBound + index, tiling, run, results + index * matrix.n, columns: 0..<matrix.n)
        }
      }
    }
  }

  private func runByPanels(_ run: ConvolutionRun, _ tiling: WinogradTiling, _ scratch: UnsafeMutablePointer<Float>) {
    let (workers, layout) = (run.backend.workers, matrix.layout)
    let panels = EvenPieces(matrix.n, largest: layout.width, multipleOf: layout.width)
    let taps = frame.taps * frame.taps
    for block in 0..<blocks.pieces {
      let tiles = blocks[block]
      workers.forEachRange(tiles.count, grain: 1) { range, _ in
        for index in range {
          for part in 0..<depths.pieces {
            var tiling = tiling
            tiling.inputChannels = depths[part].count
            transformInput(
              tiles.lowerBound + index, tiling, run, firstChannel: depths[part].lowerBound,
              scratch + part * inputPlanes + index * depths[part].count)
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
        let weights = run.weights + layout.offset(ofPanelAt: channels.lowerBound, k: taps * matrix.k)
        for part in 0..<depths.pieces {
          let inputs = depths[part]
          tiling.inputChannels = inputs.count
          let plane = transformedPlane(inputs.count * stored)
          run.backend.winogradFilter(
            tiling, weights + taps * inputs.lowerBound * stored, count: inputs.count, width: stored, transformed,
            plane: plane)
          let next = nextWeights(panel, part, panels, threads: workers.threadCount)
          for point in 0..<filtering.products {
            let share = share(point, of: next.count)
            run.backend.prefetch(run.weights + next.lowerBound + share.lowerBound, count: share.count)
            multiply(
              point, tiles, columns: 0..<channels.count, of: channels.count, tiling, run, scratch + part * inputPlanes,
              panels: transformed + point * plane, results, adding: part > 0)
          }
        }
        for (index, tile) in tiles.enumerated() {
          transformOutput(tile, tiling, run, results + index * channels.count, columns: channels)
        }
      }
    }
  }

  /// The place of the weights that a thread will presumably transform next: those of the panel's next part of the depth, or of the
  /// panel that comes to it when all threads take turns.
  private func nextWeights(_ panel: Int, _ part: Int, _ panels: EvenPieces, threads: Int) -> Range<Int> {
    let isLast = part + 1 == depths.pieces
    let next = isLast ? panel + threads : panel
    guard next < panels.pieces else { return 0..<0 }
    let (column, inputs) = (panels[next].lowerBound, depths[isLast ? 0 : part + 1])
    let stored = matrix.layout.storedColumns(at: column, of: matrix.n)
    let taps = frame.taps * frame.taps
    let first = matrix.layout.offset(ofPanelAt: column, k: taps * matrix.k) + taps * inputs.lowerBound * stored
    return first..<first + taps * inputs.count * stored
  }

  /// Pixels from the first that a tile reads to the first that it writes; one that reads as many as it writes begins where they do.
  private var inputPadding: (top: Int, left: Int) {
    filtering.isIsolated ? (0, 0) : frame.padding
  }

  private func transformInput(
    _ tile: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun, firstChannel: Int,
    _ planes: UnsafeMutablePointer<Float>
  ) {
    let (image, place) = tiles[tile]
    run.backend.winogradInput(
      tiling, image: run.x + image * problem.inputPixels * run.xStride + firstChannel, place, padding: inputPadding,
      planes)
  }

  /// The products of those of some tiles that take part at a point, some columns of `resultColumns` that a tile's results have.
  private func multiply(
    _ point: Int, _ tiles: Range<Int>, columns: Range<Int>, of resultColumns: Int, _ tiling: WinogradTiling,
    _ run: ConvolutionRun, _ planes: UnsafePointer<Float>, panels: UnsafePointer<Float>,
    _ results: UnsafeMutablePointer<Float>, adding: Bool = false
  ) {
    let y = results + point * tiling.outputPlane + columns.lowerBound
    let taking = self.tiles.ranges[point].clamped(to: tiles)
    if filtering.isIsolated {
      // Smaller maps are transformed like whole ones.
      for tile in tiles where !taking.contains(tile) {
        (y + (tile - tiles.lowerBound) * resultColumns).update(repeating: 0, count: columns.count)
      }
    }
    guard !taking.isEmpty else { return }
    let first = taking.lowerBound - tiles.lowerBound
    var product = PanelOperands(
      rows: .strided(
        planes + point * tiling.inputPlane + first * tiling.inputChannels, stride: tiling.inputChannels),
      rowCount: taking.count, depth: tiling.inputChannels, panels: panels, columns: columns.count,
      y: y + first * resultColumns, yStride: resultColumns)
    product.accumulates = adding
    // By panels, the planes of a part of the depth pass once for each panel.
    product.hasFarRows = order == .panels
    run.backend.panelProduct(product)
  }

  /// The outputs of some columns of a tile's results: of all phases, or of channels of one.
  private func transformOutput(
    _ tile: Int, _ tiling: WinogradTiling, _ run: ConvolutionRun, _ results: UnsafePointer<Float>, columns: Range<Int>
  ) {
    let (image, place) = tiles[tile]
    let pixels = image * problem.outputPixels
    var column = columns.lowerBound
    while column < columns.upperBound {
      let (phase, channel) = column.quotientAndRemainder(dividingBy: problem.outputChannels)
      run.backend.winogradOutput(
        tiling, planes: results + column - columns.lowerBound, bias: run.bias.map { $0 + channel },
        residual: run.residual.map { $0 + pixels * run.residualStride + channel }, run.function,
        run.y + pixels * run.yStride + channel, frame.target(of: place, phase: phase))
      column += tiling.outputChannels
    }
  }
}
