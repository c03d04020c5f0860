import SegEngine

/// Convolution and transposed convolution as their definitions say, one multiply–add at a time in Double.
///
/// Each gives the values and, for the tolerance, the sum of the magnitudes that were added up: a float32 sum in any order is
/// within a small multiple of 2⁻²⁴ of that.
public enum NaiveConvolution {
  /// x `[n, h, w, c]`, weight `[out, c / groups, kh, kw]`.
  public static func forward(
    _ x: Tensor, _ weight: Tensor, bias: Tensor?, _ g: ConvolutionGeometry
  ) -> (values: [Double], magnitudes: [Double], shape: Shape) {
    let size = g.outputSize(of: Extent2D(height: x.shape.height, width: x.shape.width))
    let shape: Shape = [x.shape.batch, size.height, size.width, weight.shape[0]]
    let (xs, ws) = (x.elements(of: Float.self), weight.elements(of: Float.self))
    let bs = bias?.elements(of: Float.self)
    var values: [Double] = []
    var magnitudes: [Double] = []
    let (h, w, c, groupInputs) = (x.shape.height, x.shape.width, x.shape.channels, weight.shape[1])
    let groupOutputs = weight.shape[0] / g.groups
    for n in 0..<shape.batch {
      for i in 0..<size.height {
        for j in 0..<size.width {
          for o in 0..<weight.shape[0] {
            var sum = Double(bs?[o] ?? 0)
            var magnitude = abs(sum)
            for ci in 0..<groupInputs {
              for a in 0..<g.kernel.height {
                for b in 0..<g.kernel.width {
                  let y = i * g.stride.height - g.padding.top + a * g.dilation.height
                  let z = j * g.stride.width - g.padding.left + b * g.dilation.width
                  guard y >= 0, y < h, z >= 0, z < w else { continue }
                  let channel = o / groupOutputs * groupInputs + ci
                  let product =
                    Double(xs[((n * h + y) * w + z) * c + channel])
                    * Double(ws[((o * groupInputs + ci) * g.kernel.height + a) * g.kernel.width + b])
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

  /// x `[n, h, w, c]`, weight `[c, out / groups, kh, kw]`.
  public static func transposed(
    _ x: Tensor, _ weight: Tensor, bias: Tensor?, _ g: ConvolutionGeometry, outputPadding: Extent2D
  ) -> (values: [Double], magnitudes: [Double], shape: Shape) {
    let size = g.transposedOutputSize(
      of: Extent2D(height: x.shape.height, width: x.shape.width), outputPadding: outputPadding)
    let groupOutputs = weight.shape[1]
    let outputs = groupOutputs * g.groups
    let shape: Shape = [x.shape.batch, size.height, size.width, outputs]
    let (xs, ws) = (x.elements(of: Float.self), weight.elements(of: Float.self))
    let bs = bias?.elements(of: Float.self)
    var values = (0..<shape.elementCount).map { Double(bs?[$0 % outputs] ?? 0) }
    var magnitudes = values.map { abs($0) }
    let (h, w, c) = (x.shape.height, x.shape.width, x.shape.channels)
    let groupInputs = c / g.groups
    for n in 0..<shape.batch {
      for i in 0..<h {
        for j in 0..<w {
          for ci in 0..<c {
            for o in 0..<groupOutputs {
              for a in 0..<g.kernel.height {
                for b in 0..<g.kernel.width {
                  let y = i * g.stride.height - g.padding.top + a * g.dilation.height
                  let z = j * g.stride.width - g.padding.left + b * g.dilation.width
                  guard y >= 0, y < size.height, z >= 0, z < size.width else { continue }
                  let product =
                    Double(xs[((n * h + i) * w + j) * c + ci])
                    * Double(ws[((ci * groupOutputs + o) * g.kernel.height + a) * g.kernel.width + b])
                  let index = ((n * size.height + y) * size.width + z) * outputs + ci / groupInputs * groupOutputs + o
                  values[index] += product
                  magnitudes[index] += abs(product)
                }
              }
            }
          }
        }
      }
    }
    return (values, magnitudes, shape)
  }
}
