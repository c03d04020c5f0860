import SegEngine

/// The messages of a ``DenseCRF`` over a window around each pixel, with exact kernels. The weights of all pairs are
/// computed once.
struct WindowMessages: PairwiseMessages {
  private let size: Extent2D
  private let radius: Int
  private let classes: Int
  private let unary: Tensor
  private let device: ComputeDevice
  /// For each group its matrix and the weights `[pixel, tap]`, 0 for taps outside the image.
  private let groups: [(matrix: [Float]?, weights: Tensor)]
  private var marginals: Tensor

  init(
    _ groups: [KernelGroup], size: Extent2D, radius: Int, classes: Int, unary: Tensor, on device: ComputeDevice
  ) {
    self.size = size
    self.radius = radius
    self.classes = classes
    self.unary = unary
    self.device = device
    marginals = unary
    let window = Window(size: size, radius: radius)
    self.groups = groups.map { group in
      var weights = Tensor(zeros: [size.height * size.width, window.taps])
      weights.withUnsafeMutableElements(of: Float.self) { weights in
        for member in group.members { window.add(member, to: weights.baseAddress!, on: device) }
      }
      return (group.matrix, weights)
    }
  }

  mutating func prepare(_ marginals: Tensor) { self.marginals = marginals }

  func write(_ pixels: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let stride = unary.shape[1]
    let window = Window(size: size, radius: radius)
    // All pixels whose window lies inside the image share the same offsets.
    let distances = window.distances.map { ($0.row * size.width + $0.column) * stride }
    var offsets = distances
    var message = [Float](repeating: 0, count: stride)
    unary.withUnsafeElements(of: Float.self) {
      target.update(from: $0.baseAddress! + pixels.lowerBound * stride, count: pixels.count * stride)
    }
    marginals.withUnsafeElements(of: Float.self) { q in
      for pixel in pixels {
        let isInside = window.isInside(pixel)
        if !isInside {
          for (tap, distance) in window.distances.enumerated() {
            // For a tap outside the image the weight is 0, so any valid offset may be read.
            offsets[tap] = window.holds(pixel, distance) ? distances[tap] : 0
          }
        }
        for (matrix, weights) in groups {
          weights.withUnsafeElements(of: Float.self) { weights in
            message.withUnsafeMutableBufferPointer { message in
              device.kernels.interpolate(
                q.baseAddress! + pixel * stride, offsets: isInside ? distances : offsets,
                weights: weights.baseAddress! + pixel * window.taps, taps: window.taps, pixels: 1, channels: stride,
                message.baseAddress!, yStride: stride)
              device.addMessages(
                message.baseAddress!, matrix, to: target + (pixel - pixels.lowerBound) * stride, count: 1,
                classes: classes, stride: stride)
            }
          }
        }
      }
    }
  }
}

/// The window of pixels around each pixel of an image.
private struct Window {
  let size: Extent2D
  /// The row and column distance from the pixel to each tap, row by row.
  let distances: [(row: Int, column: Int)]
  private let radius: Int

  init(size: Extent2D, radius: Int) {
    self.size = size
    self.radius = radius
    distances = (-radius...radius).flatMap { row in (-radius...radius).map { (row, $0) } }
  }

  /// The number of pixels of a full window.
  var taps: Int { distances.count }

  /// Whether the full window of a pixel lies inside the image.
  func isInside(_ pixel: Int) -> Bool {
    holds(pixel, (-radius, -radius)) && holds(pixel, (radius, radius))
  }

  /// Whether the pixel at a distance from another pixel lies inside the image.
  func holds(_ pixel: Int, _ distance: (row: Int, column: Int)) -> Bool {
    let (row, column) = (pixel / size.width + distance.row, pixel % size.width + distance.column)
    return row >= 0 && row < size.height && column >= 0 && column < size.width
  }

  /// Adds a kernel's weights `[pixel, tap]`, normalised symmetrically within the windows.
  func add(_ member: KernelGroup.Member, to weights: UnsafeMutablePointer<Float>, on device: ComputeDevice) {
    let pixels = size.height * size.width
    var kernel = Tensor(uninitialized: [pixels, taps])
    var normalization = [Float](repeating: 0, count: pixels)
    let steps = distances.map { $0.row * size.width + $0.column }
    kernel.withUnsafeMutableElements(of: Float.self) { kernel in
      normalization.withUnsafeMutableBufferPointer { normalization in
        device.workers.forEachRange(pixels, grain: 256) { range, _ in
          for pixel in range {
            let row = kernel.baseAddress! + pixel * taps
            let isInside = isInside(pixel)
            for tap in 0..<taps {
              // exp(−∞) is 0: the weight of a tap outside the image.
              row[tap] =
                isInside || holds(pixel, distances[tap])
                ? member.features.exponent(pixel, pixel + steps[tap]) : -.infinity
            }
            device.kernels.map(.exp, row, row, count: taps)
            normalization[pixel] = 1 / device.kernels.reduce(.sum, row, count: taps).squareRoot()
          }
        }
        device.workers.forEachRange(pixels, grain: 256) { range, _ in
          for pixel in range {
            let factor = member.scale * normalization[pixel]
            let isInside = isInside(pixel)
            let row = kernel.baseAddress! + pixel * taps
            let sum = weights + pixel * taps
            for tap in 0..<taps where isInside || holds(pixel, distances[tap]) {
              sum[tap] += factor * normalization[pixel + steps[tap]] * row[tap]
            }
          }
        }
      }
    }
  }
}
