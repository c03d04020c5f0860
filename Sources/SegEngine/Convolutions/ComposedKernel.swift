/// The kernel of a transposed convolution of 2 × 2 taps and stride 2 composed with the 3 × 3 convolution after it, in Double.
struct ComposedKernel {
  /// `[in, out, 4, 4]`, for stride 2 and padding 1.
  let weight: Tensor
  /// `[out, m, 3, 3]`: the convolution's weights for the intermediate map.
  private let second: [Float]
  private let outputs: Int

  /// Composes weights `[in, m, 2, 2]` and `[out, …, 3, 3]`. `channels` are the m input channels of the second. Without workers, the kernel
  /// is zeros.
  init(_ first: Tensor, _ second: Tensor, channels: Range<Int>, over workers: WorkerPool?) {
    let (inputs, between, outputs) = (first.shape[0], first.shape[1], second.shape[0])
    self.outputs = outputs
    let all = second.elements(of: Float.self)
    let stride = 9 * second.shape[1]
    var kept: [Float] = []
    kept.reserveCapacity(9 * between * outputs)
    for output in 0..<outputs {
      let first = output * stride + 9 * channels.lowerBound
      kept += all[first..<first + 9 * channels.count]
    }
    self.second = kept
    guard let workers else {
      weight = Tensor(zeros: [inputs, outputs, 4, 4])
      return
    }
    // [m, (out, tap)]
    var factor = [Double](repeating: 0, count: between * outputs * 9)
    for o in 0..<outputs {
      for m in 0..<between {
        for tap in 0..<9 { factor[(m * outputs + o) * 9 + tap] = Double(kept[(o * between + m) * 9 + tap]) }
      }
    }
    let elements = first.elements(of: Float.self)
    let bands = EvenPieces(inputs, largest: 32)
    var weight = Tensor(zeros: [inputs, outputs, 4, 4])
    weight.withUnsafeMutableElements(of: Float.self) { weight in
      workers.forEach(bands.pieces) { band, _ in
        let rows = bands[band]
        var sums = [Double](repeating: 0, count: rows.count * outputs * 16)
        for tap in 0..<4 {
          let (a, b) = (tap / 2, tap % 2)
          var taps: [Double] = []
          taps.reserveCapacity(rows.count * between)
          for c in rows { for m in 0..<between { taps.append(Double(elements[(c * between + m) * 4 + tap])) } }
          let products = LinearAlgebra.product(taps, factor, rows: rows.count, inner: between, columns: outputs * 9)
          for index in 0..<rows.count * outputs {
            for i in 0..<3 {
              for j in 0..<3 { sums[index * 16 + (a - i + 2) * 4 + b - j + 2] += products[index * 9 + i * 3 + j] }
            }
          }
        }
        let first = rows.lowerBound * outputs * 16
        for (index, sum) in sums.enumerated() { weight[first + index] = Float(sum) }
      }
    }
    self.weight = weight
  }

  /// The contribution of the intermediate map's bias to the outputs.
  struct Shifts {
    /// The contribution to all outputs, `[out]`.
    let everywhere: [Double]
    /// The additional contribution at the borders, where some taps are on padding, `[3, 3, out]`.
    let frame: Tensor
  }

  /// Computes the contribution of a bias; `nil` if there is none or it is zero.
  func shifts(by bias: Tensor?) -> Shifts? {
    guard let bias = bias?.elements(of: Float.self), bias.contains(where: { $0 != 0 }) else { return nil }
    // The contribution of each tap to each output, [out, 9].
    var sums = [Double](repeating: 0, count: outputs * 9)
    for o in 0..<outputs {
      for (m, number) in bias.enumerated() {
        for tap in 0..<9 { sums[o * 9 + tap] += Double(number) * Double(second[(o * bias.count + m) * 9 + tap]) }
      }
    }
    // The taps inside the map for the first row or column, those between and the last.
    let present = [1..<3, 0..<3, 0..<2]
    func sum(_ output: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Double {
      var total = 0.0
      for i in rows { for j in columns { total += sums[output * 9 + i * 3 + j] } }
      return total
    }
    let everywhere = (0..<outputs).map { sum($0, 0..<3, 0..<3) }
    var frame: [Float] = []
    for rows in present {
      for columns in present { for o in 0..<outputs { frame.append(Float(sum(o, rows, columns) - everywhere[o])) } }
    }
    return Shifts(everywhere: everywhere, frame: Tensor([3, 3, outputs], frame))
  }
}

extension Tensor {
  /// Returns weights `[out, in, …]` without a range of input channels.
  func removingInputs(_ inputs: Range<Int>) -> Tensor {
    let inner = shape.dimensions[2...].reduce(1, *)
    let elements = elements(of: Float.self)
    var kept: [Float] = []
    for output in 0..<shape[0] {
      let row = output * shape[1] * inner
      kept += elements[row..<row + inputs.lowerBound * inner]
      kept += elements[row + inputs.upperBound * inner..<row + shape[1] * inner]
    }
    return Tensor(shape.replacing(axis: 1, with: shape[1] - inputs.count), kept)
  }

  /// Computes bias + shift in Double.
  static func foldedBias(_ bias: [Float]?, adding shift: [Double]?, count: Int) -> Tensor {
    Tensor([count], (0..<count).map { Float(Double(bias?[$0] ?? 0) + (shift?[$0] ?? 0)) })
  }
}
