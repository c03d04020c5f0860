/// The patches of a deformable convolution: for each output pixel and tap the interpolated channels of the place that the tap reads.
struct DeformableSampling: Sendable {
  private let problem: ConvolutionProblem
  private let offsetGroups: Int
  private let taps: Int
  /// Runs of channels that are in one group of the convolution and in one offset group.
  private let runs: ContiguousArray<Run>

  private struct Run {
    let channels: Range<Int>
    let group, offsetGroup: Int
  }

  init(_ problem: ConvolutionProblem, offsetGroups: Int) {
    self.problem = problem
    self.offsetGroups = offsetGroups
    taps = problem.taps
    let perOffset = problem.inputChannels / offsetGroups
    var runs: ContiguousArray<Run> = []
    var first = 0
    while first < problem.inputChannels {
      let (group, offsetGroup) = (first / problem.groupInputs, first / perOffset)
      let end = min((group + 1) * problem.groupInputs, (offsetGroup + 1) * perOffset)
      runs.append(Run(channels: first..<end, group: group, offsetGroup: offsetGroup))
      first = end
    }
    self.runs = runs
  }

  /// Scratch memory for the places of one offset group, in floats: four offsets of 8 bytes and four weights for each pixel and tap.
  func scratchCount(pixels: Int) -> Int { (12 * pixels * taps + 15) / 16 * 16 }

  /// Gathers the patches of some output pixels of an image: for each group of the convolution `[tilePixels, taps, channels of the group]`,
  /// with `groupPixels` pixels, by default `tilePixels`, from one group to the next.
  func gather(
    _ pixels: Range<Int>, ofImage image: Int, x: TensorView, offset: TensorView, mask: TensorView?,
    into patches: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>, tilePixels: Int,
    groupPixels: Int? = nil, on device: ComputeDevice
  ) {
    let places = tilePixels * taps
    let groupStride = (groupPixels ?? tilePixels) * taps * problem.groupInputs
    let sources = UnsafeMutableRawPointer(scratch).assumingMemoryBound(to: Int.self)
    let weights = scratch + 8 * places
    let map = x.floats + image * problem.inputPixels * x.rowStride
    var placed = -1
    for run in runs {
      if run.offsetGroup != placed {
        place(pixels, image, run.offsetGroup, offset, mask, xStride: x.rowStride, sources, weights)
        placed = run.offsetGroup
      }
      let inGroup = run.channels.lowerBound - run.group * problem.groupInputs
      device.kernels.interpolate(
        map + run.channels.lowerBound, offsets: sources, weights: weights, taps: 4, pixels: pixels.count * taps,
        channels: run.channels.count, patches + run.group * groupStride + inGroup,
        yStride: problem.groupInputs)
    }
  }

  /// Computes the four pixels around the place of each tap, as offsets in floats, and their weights. A pixel outside the map has the
  /// weight 0.
  private func place(
    _ pixels: Range<Int>, _ image: Int, _ group: Int, _ offset: TensorView, _ mask: TensorView?, xStride: Int,
    _ sources: UnsafeMutablePointer<Int>, _ weights: UnsafeMutablePointer<Float>
  ) {
    let (geometry, width, height) = (problem.geometry, problem.input.width, problem.input.height)
    let kernelWidth = geometry.kernel.width
    var place = 0
    for pixel in pixels {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: problem.output.width)
      let index = image * problem.outputPixels + pixel
      let distances = offset.floats + index * offset.rowStride + group * 2 * taps
      let factors = mask.map { $0.floats + index * $0.rowStride + group * taps }
      let top = row * geometry.stride.height - geometry.padding.top
      let left = column * geometry.stride.width - geometry.padding.left
      for tap in 0..<taps {
        let (a, b) = (tap / kernelWidth, tap % kernelWidth)
        let y = Float(top + a * geometry.dilation.height) + distances[2 * tap]
        let x = Float(left + b * geometry.dilation.width) + distances[2 * tap + 1]
        let (source, weight) = (sources + 4 * place, weights + 4 * place)
        place += 1
        // The comparison is false for NaN too.
        guard y > -1, y < Float(height), x > -1, x < Float(width) else {
          source.update(repeating: 0, count: 4)
          weight.update(repeating: 0, count: 4)
          continue
        }
        let (first, start) = (y.rounded(.down), x.rounded(.down))
        let (i, j) = (Int(first), Int(start))
        let (down, right) = (y - first, x - start)
        let factor = factors?[tap] ?? 1
        let (above, below) = (i >= 0 ? 1 - down : 0, i + 1 < height ? down : 0)
        let (before, after) = (j >= 0 ? 1 - right : 0, j + 1 < width ? right : 0)
        let (upper, lower) = (max(i, 0) * width, min(i + 1, height - 1) * width)
        let (near, far) = (max(j, 0), min(j + 1, width - 1))
        source[0] = (upper + near) * xStride
        source[1] = (upper + far) * xStride
        source[2] = (lower + near) * xStride
        source[3] = (lower + far) * xStride
        weight[0] = above * before * factor
        weight[1] = above * after * factor
        weight[2] = below * before * factor
        weight[3] = below * after * factor
      }
    }
  }
}
