/// The patches of a ``DeformableConvolution``: for each output pixel and tap the interpolated channels of the place that the tap reads.
///
/// Inputs: x, the offset, and optionally the mask of the convolution. Output: `[batch · groups, outHeight, outWidth, taps · in / groups]`,
/// the groups of an image one after another. The gradient of the convolution's weights is a product with them.
package struct DeformablePatches: Operator {
  package static let name = "DeformablePatches"

  /// Kernel, stride, dilation, padding and groups of the convolution.
  package let geometry: ConvolutionGeometry
  /// The groups of input channels that have offsets of their own.
  package let offsetGroups: Int

  package init(_ geometry: ConvolutionGeometry, offsetGroups: Int) {
    self.geometry = geometry
    self.offsetGroups = offsetGroups
  }

  package var attributes: String { "\(geometry)" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...3)
    for input in inputs { try requireFeatureMap(input) }
    let (x, offset) = (inputs[0].shape, inputs[1].shape)
    let taps = geometry.kernel.height * geometry.kernel.width
    try require(
      x.batch == offset.batch && offset.channels == 2 * taps * offsetGroups
        && inputs.dropFirst(2).allSatisfy {
          $0.shape == [offset.batch, offset.height, offset.width, taps * offsetGroups]
        }, "the offset \(offset) does not fit \(x)")
    return [
      TensorSpec(
        try shape([
          x.batch * geometry.groups, offset.height, offset.width, taps * (x.channels / geometry.groups),
        ]))
    ]
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 7 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, offset) = (context.inputs[0].shape, context.inputs[1].shape)
    // The number of outputs does not matter to the patches.
    let problem = ConvolutionProblem(
      .forward, geometry, input: x, output: [x.batch, offset.height, offset.width, geometry.groups])
    let sampling = DeformableSampling(problem, offsetGroups: offsetGroups)
    let pixels = problem.outputPixels
    let pieces = EvenPieces(pixels, largest: 256)
    let perWorker = sampling.scratchCount(pixels: pieces.size)
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: context.workers.threadCount * perWorker)
    ) { context in
      let (x, y, device) = (context.input(0), context.output().floats, context.device)
      let mask = context.inputCount > 2 ? context.input(2) : nil
      device.workers.forEach(x.shape.batch * pieces.pieces) { index, worker in
        let (image, piece) = index.quotientAndRemainder(dividingBy: pieces.pieces)
        let own = pieces[piece]
        sampling.gather(
          own, ofImage: image, x: x, offset: context.input(1), mask: mask,
          into: y + image * pixels * problem.taps * problem.inputChannels
            + own.lowerBound * problem.taps * problem.groupInputs,
          scratch: context.scratch + worker * perWorker, tilePixels: own.count, groupPixels: pixels, on: device)
      }
    }
  }
}

/// The gradients of ``DeformablePatches``: of a place's four pixels its gradient times their weights, of its offset the differences of the
/// pixels, of its mask the interpolated number (Dai et al. 2017; Zhu et al. 2019).
///
/// Inputs: the gradient of the patches, x, the offset, and optionally the mask. Outputs: the gradients of x, of the offset and of the mask.
package struct DeformablePatchesGradient: Operator {
  package static let name = "DeformablePatchesGradient"

  /// The patches.
  package let patches: DeformablePatches

  package init(_ patches: DeformablePatches) { self.patches = patches }

  package var attributes: String { patches.attributes }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 3...4)
    let result = try patches.outputs(for: Array(inputs.dropFirst()))[0]
    try require(inputs[0] == result, "the gradient of the patches is \(result), not \(inputs[0])")
    return Array(inputs.dropFirst())
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 20 * inputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let (x, offset) = (context.inputs[1].shape, context.inputs[2].shape)
    let problem = ConvolutionProblem(
      .forward, patches.geometry, input: x, output: [x.batch, offset.height, offset.width, patches.geometry.groups])
    let places = DeformablePlaces(problem, offsetGroups: patches.offsetGroups)
    // A worker adds to some channels of an image, a cache line wide, so that no two write the same element.
    let chunk = 16
    let chunks = (x.channels + chunk - 1) / chunk
    return PreparedOperator { context in
      let run = DeformableGradientRun(places, context)
      let dx = context.output(0).floats
      context.workers.forEachRange(x.elementCount, grain: 16384) { range, _ in
        (dx + range.lowerBound).update(repeating: 0, count: range.count)
      }
      context.workers.forEach(x.batch * chunks) { index, _ in
        let (image, part) = index.quotientAndRemainder(dividingBy: chunks)
        run.scatter(image: image, channels: part * chunk..<min(x.channels, (part + 1) * chunk))
      }
      context.workers.forEachRange(x.batch * problem.outputPixels, grain: 8) { pixels, _ in
        for pixel in pixels { run.writeGradientsOfPlaces(pixel) }
      }
    }
  }
}

/// The places that the taps of a deformable convolution read.
private struct DeformablePlaces: Sendable {
  let problem: ConvolutionProblem
  let offsetGroups: Int

  init(_ problem: ConvolutionProblem, offsetGroups: Int) {
    self.problem = problem
    self.offsetGroups = offsetGroups
  }

  /// A place between four pixels; `nil` where it is a pixel or more beside the map.
  struct Place {
    /// The row above and the column before.
    let row, column: Int
    /// The distances from them.
    let down, right: Float
  }

  /// The place of a tap of an output pixel, which is counted over all images.
  func place(_ pixel: Int, _ group: Int, _ tap: Int, _ offset: TensorView) -> Place? {
    let geometry = problem.geometry
    let (row, column) = (pixel % problem.outputPixels).quotientAndRemainder(dividingBy: problem.output.width)
    let (a, b) = tap.quotientAndRemainder(dividingBy: geometry.kernel.width)
    let distances = offset.floats + pixel * offset.rowStride + (group * problem.taps + tap) * 2
    let y = Float(row * geometry.stride.height - geometry.padding.top + a * geometry.dilation.height) + distances[0]
    let x = Float(column * geometry.stride.width - geometry.padding.left + b * geometry.dilation.width) + distances[1]
    // The comparison is false for NaN too.
    guard y > -1, y < Float(problem.input.height), x > -1, x < Float(problem.input.width) else { return nil }
    let (first, start) = (y.rounded(.down), x.rounded(.down))
    return Place(row: Int(first), column: Int(start), down: y - first, right: x - start)
  }
}

/// The memory of one run.
private struct DeformableGradientRun {
  private let places: DeformablePlaces
  private let dy, x, offset: TensorView
  private let mask: TensorView?
  private let dx, dOffset: MutableTensorView
  private let dMask: MutableTensorView?

  init(_ places: DeformablePlaces, _ context: RunContext) {
    self.places = places
    (dy, x, offset) = (context.input(0), context.input(1), context.input(2))
    mask = context.inputCount > 3 ? context.input(3) : nil
    (dx, dOffset) = (context.output(0), context.output(1))
    dMask = context.outputCount > 2 ? context.output(2) : nil
  }

  /// The address of the gradient of a channel of a pixel's patch.
  private func gradient(_ pixel: Int, _ tap: Int, _ channel: Int) -> UnsafePointer<Float> {
    let problem = places.problem
    let (image, place) = pixel.quotientAndRemainder(dividingBy: problem.outputPixels)
    let (group, inGroup) = channel.quotientAndRemainder(dividingBy: problem.groupInputs)
    let row = (image * problem.geometry.groups + group) * problem.outputPixels + place
    return dy.floats + (row * problem.taps + tap) * problem.groupInputs + inGroup
  }

  /// Adds to the gradient of some channels of an image.
  func scatter(image: Int, channels: Range<Int>) {
    let problem = places.problem
    let (height, width) = (problem.input.height, problem.input.width)
    let perOffset = problem.inputChannels / places.offsetGroups
    let first = image * problem.outputPixels
    for pixel in first..<first + problem.outputPixels {
      for tap in 0..<problem.taps {
        for group in channels.lowerBound / perOffset...(channels.upperBound - 1) / perOffset {
          guard let place = places.place(pixel, group, tap, offset) else { continue }
          let factor = mask.map { $0.floats[pixel * $0.rowStride + group * problem.taps + tap] } ?? 1
          let own = channels.clamped(to: group * perOffset..<(group + 1) * perOffset)
          for corner in 0..<4 {
            let (row, column) = (place.row + corner / 2, place.column + corner % 2)
            guard row >= 0, row < height, column >= 0, column < width else { continue }
            let weight = (corner < 2 ? 1 - place.down : place.down) * (corner % 2 == 0 ? 1 - place.right : place.right)
            let target = dx.floats + ((image * height + row) * width + column) * problem.inputChannels
            for channel in own { target[channel] += weight * factor * gradient(pixel, tap, channel).pointee }
          }
        }
      }
    }
  }

  /// Writes the gradients of the offsets and of the mask of an output pixel.
  func writeGradientsOfPlaces(_ pixel: Int) {
    let problem = places.problem
    let (height, width) = (problem.input.height, problem.input.width)
    let perOffset = problem.inputChannels / places.offsetGroups
    let image = pixel / problem.outputPixels
    for group in 0..<places.offsetGroups {
      for tap in 0..<problem.taps {
        let index = group * problem.taps + tap
        var (byRow, byColumn, byMask): (Float, Float, Float) = (0, 0, 0)
        if let place = places.place(pixel, group, tap, offset) {
          for channel in group * perOffset..<(group + 1) * perOffset {
            func value(_ row: Int, _ column: Int) -> Float {
              guard row >= 0, row < height, column >= 0, column < width else { return 0 }
              return x.floats[((image * height + row) * width + column) * problem.inputChannels + channel]
            }
            let (near, far) = (value(place.row, place.column), value(place.row, place.column + 1))
            let (low, lowFar) = (value(place.row + 1, place.column), value(place.row + 1, place.column + 1))
            let above = near + (far - near) * place.right
            let below = low + (lowFar - low) * place.right
            let g = gradient(pixel, tap, channel).pointee
            byRow += g * (below - above)
            byColumn += g * ((far - near) * (1 - place.down) + (lowFar - low) * place.down)
            byMask += g * (above + (below - above) * place.down)
          }
        }
        let factor = mask.map { $0.floats[pixel * $0.rowStride + index] } ?? 1
        let target = dOffset.floats + pixel * dOffset.rowStride + 2 * index
        (target[0], target[1]) = (byRow * factor, byColumn * factor)
        if let dMask { dMask.floats[pixel * dMask.rowStride + index] = byMask }
      }
    }
  }
}
