import SegEngine

/// The errors of an algorithm's outputs against the definition computed in Double. They are checked at the four corners of the result and
/// at random pixels, in all channels.
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
          guard
            let y = LayerErrors.source(
              row, layer.isTransposed, stride: geometry.stride.height, padding: geometry.padding.top,
              shift: a * geometry.dilation.height), y < height
          else { continue }
          for b in 0..<geometry.kernel.width {
            guard
              let z = LayerErrors.source(
                column, layer.isTransposed, stride: geometry.stride.width, padding: geometry.padding.left,
                shift: b * geometry.dilation.width), z < width
            else { continue }
            let first = o / groupOutputs * groupInputs
            let source = (y * width + z) * channels + first
            // Weights are [out, in / groups, taps], transposed [in, out / groups, taps].
            let area = geometry.kernel.height * geometry.kernel.width
            let start = layer.isTransposed ? first * groupOutputs + o % groupOutputs : o * groupInputs
            let step = layer.isTransposed ? groupOutputs * area : area
            let tap = start * area + a * geometry.kernel.width + b
            for c in 0..<groupInputs { sum += Double(x[source + c]) * Double(w[tap + c * step]) }
          }
        }
        return max(0, sum)
      }
    }
  }

  /// Returns the input position along an axis that contributes to an output through the tap `shift` pixels after the first; `nil` if
  /// there is none. It may exceed the last position.
  private static func source(_ output: Int, _ isTransposed: Bool, stride: Int, padding: Int, shift: Int) -> Int? {
    guard isTransposed else {
      let input = output * stride - padding + shift
      return input >= 0 ? input : nil
    }
    let spread = output + padding - shift
    return spread >= 0 && spread % stride == 0 ? spread / stride : nil
  }

  /// Returns the largest |output − definition| relative to the largest output.
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
