import SegEngine

/// How far an algorithm's outputs are from the definition, in Double, at some pixels of the result: its four corners and others at
/// random, every channel of each.
struct LayerErrors {
  private let pixels: [Int]
  private let expected: [Double]
  private let outputs: Int

  init(_ layer: ConvolutionLayer, _ prepared: PreparedLayer, pixels count: Int = 48) {
    let (geometry, output) = (layer.geometry, layer.output)
    var generator = SeededGenerator(seed: 5)
    let corners = [
      0, output.width - 1, (output.height - 1) * output.width, output.height * output.width - 1,
    ]
    let others = (0..<count).map { _ in Int.random(in: 0..<output.height * output.width, using: &generator) }
    pixels = Array(Set(corners + others)).sorted()
    outputs = layer.outputs
    let (height, width, channels) = (layer.input.height, layer.input.width, layer.input.channels)
    let (groupInputs, groupOutputs) = (channels / geometry.groups, layer.outputs / geometry.groups)
    let (x, w) = (prepared.input, prepared.weights)
    expected = pixels.flatMap { pixel -> [Double] in
      let (row, column) = pixel.quotientAndRemainder(dividingBy: output.width)
      return (0..<layer.outputs).map { o in
        var sum = Double(prepared.bias[o])
        for a in 0..<geometry.kernel.height {
          let y = row * geometry.stride.height - geometry.padding.top + a * geometry.dilation.height
          guard y >= 0, y < height else { continue }
          for b in 0..<geometry.kernel.width {
            let z = column * geometry.stride.width - geometry.padding.left + b * geometry.dilation.width
            guard z >= 0, z < width else { continue }
            let source = (y * width + z) * channels + o / groupOutputs * groupInputs
            let tap = (o * groupInputs * geometry.kernel.height + a) * geometry.kernel.width + b
            for c in 0..<groupInputs {
              sum += Double(x[source + c]) * Double(w[tap + c * geometry.kernel.height * geometry.kernel.width])
            }
          }
        }
        return max(0, sum)
      }
    }
  }

  /// The largest |output − definition| in proportion to the largest output.
  func largest(of result: [Float]) -> Double {
    var (difference, scale) = (0.0, 0.0)
    for (index, pixel) in pixels.enumerated() {
      for o in 0..<outputs {
        let wanted = expected[index * outputs + o]
        difference = max(difference, abs(Double(result[pixel * outputs + o]) - wanted))
        scale = max(scale, abs(wanted))
      }
    }
    return difference / max(scale, 1e-30)
  }
}
