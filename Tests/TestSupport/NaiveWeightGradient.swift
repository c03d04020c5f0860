import SegEngine

extension NaiveConvolution {
  /// The gradient with respect to the weights, as its definition says, in Double: x `[n, h, w, c]`, dy `[n, oh, ow, out]`; the result is
  /// `[out, c / groups, kh, kw]`. With it the sum of the magnitudes that were added up.
  public static func weightGradient(
    _ x: Tensor, _ dy: Tensor, _ g: ConvolutionGeometry
  ) -> (values: [Double], magnitudes: [Double], shape: Shape) {
    let (h, w, c) = (x.shape.height, x.shape.width, x.shape.channels)
    let (oh, ow, outputs) = (dy.shape.height, dy.shape.width, dy.shape.channels)
    let (groupInputs, groupOutputs) = (c / g.groups, outputs / g.groups)
    let shape: Shape = [outputs, groupInputs, g.kernel.height, g.kernel.width]
    let (xs, ds) = (x.elements(of: Float.self), dy.elements(of: Float.self))
    var values: [Double] = []
    var magnitudes: [Double] = []
    for o in 0..<outputs {
      for ci in 0..<groupInputs {
        for a in 0..<g.kernel.height {
          for b in 0..<g.kernel.width {
            var (sum, magnitude) = (0.0, 0.0)
            for n in 0..<x.shape.batch {
              for i in 0..<oh {
                let y = i * g.stride.height - g.padding.top + a * g.dilation.height
                guard y >= 0, y < h else { continue }
                for j in 0..<ow {
                  let z = j * g.stride.width - g.padding.left + b * g.dilation.width
                  guard z >= 0, z < w else { continue }
                  let product =
                    Double(xs[((n * h + y) * w + z) * c + o / groupOutputs * groupInputs + ci])
                    * Double(ds[((n * oh + i) * ow + j) * outputs + o])
                  sum += product
                  magnitude += abs(product)
                }
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
