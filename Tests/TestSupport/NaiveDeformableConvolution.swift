import SegEngine

extension NaiveConvolution {
  /// The deformable convolution by its definition: x `[n, h, w, c]`, weight `[out, c / groups, kh, kw]`, offset
  /// `[n, oh, ow, offset groups · kh · kw · 2]` with Δy before Δx, mask `[n, oh, ow, offset groups · kh · kw]`.
  public static func deformable(
    _ x: Tensor, _ weight: Tensor, offset: Tensor, mask: Tensor?, bias: Tensor?, _ g: ConvolutionGeometry,
    offsetGroups: Int
  ) -> (values: [Double], magnitudes: [Double], shape: Shape) {
    let size = g.outputSize(of: Extent2D(height: x.shape.height, width: x.shape.width))
    let shape: Shape = [x.shape.batch, size.height, size.width, weight.shape[0]]
    let (map, weights, offsets) = (NaiveTensor(x), NaiveTensor(weight), NaiveTensor(offset))
    let masks = mask.map { NaiveTensor($0) }
    let shifts = bias?.elements(of: Float.self)
    let (groupInputs, groupOutputs) = (weight.shape[1], weight.shape[0] / g.groups)
    let perOffset = x.shape.channels / offsetGroups
    let taps = g.kernel.height * g.kernel.width
    func pixel(_ n: Int, _ i: Int, _ j: Int, _ c: Int) -> Double {
      (0..<x.shape.height).contains(i) && (0..<x.shape.width).contains(j) ? map[n, i, j, c] : 0
    }
    func sample(_ n: Int, _ y: Double, _ z: Double, _ c: Int) -> Double {
      let (i, j) = (y.rounded(.down), z.rounded(.down))
      let (p, q) = (y - i, z - j)
      let (top, left) = (Int(i), Int(j))
      return (1 - p) * (1 - q) * pixel(n, top, left, c) + (1 - p) * q * pixel(n, top, left + 1, c)
        + p * (1 - q) * pixel(n, top + 1, left, c) + p * q * pixel(n, top + 1, left + 1, c)
    }
    var values: [Double] = []
    var magnitudes: [Double] = []
    for n in 0..<shape.batch {
      for i in 0..<size.height {
        for j in 0..<size.width {
          for o in 0..<weight.shape[0] {
            var sum = Double(shifts?[o] ?? 0)
            var magnitude = abs(sum)
            for c in 0..<groupInputs {
              let channel = o / groupOutputs * groupInputs + c
              for tap in 0..<taps {
                let (a, b) = (tap / g.kernel.width, tap % g.kernel.width)
                let place = channel / perOffset * taps + tap
                let y =
                  Double(i * g.stride.height - g.padding.top + a * g.dilation.height) + offsets[n, i, j, 2 * place]
                let z =
                  Double(j * g.stride.width - g.padding.left + b * g.dilation.width) + offsets[n, i, j, 2 * place + 1]
                let product = sample(n, y, z, channel) * (masks?[n, i, j, place] ?? 1) * weights[o, c, a, b]
                sum += product
                magnitude += abs(product)
              }
            }
            values.append(sum)
            magnitudes.append(magnitude)
          }
        }
      }
    }
    return (values, magnitudes, shape)
  }
}
