/// The effective receptive field of a network with its weights: the influence of each input pixel on one output pixel,
/// measured by perturbation. (Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional
/// Neural Networks", use the gradient.)
public struct EffectiveReceptiveField: Sendable {
  /// Σ over the output's channels of |y(x + ε) − y(x − ε)| / 2ε, where all channels of one input pixel are changed
  /// together, `[height, width]`.
  public let influence: Tensor

  /// Measures the influence on one pixel of a network's first output.
  ///
  /// - Parameters:
  ///   - model: A network with one input `[batch, height, width, channels]` whose output is a feature map.
  ///   - image: The input to perturb, `[1, height, width, channels]`.
  ///   - row: The output pixel's row; by default the middle one.
  ///   - column: The output pixel's column; by default the middle one.
  ///   - epsilon: The perturbation ε of an input pixel.
  ///   - batch: The number of images per run.
  /// - Throws: `GraphError` if the network does not support the image's size.
  public init(
    of model: Model, at image: Tensor, row: Int? = nil, column: Int? = nil, epsilon: Float = 1e-2, batch: Int = 16
  ) throws {
    let shape = image.shape
    precondition(shape.rank == 4 && shape.batch == 1, "the image must be [1, height, width, channels], not \(shape)")
    let pixels = shape.height * shape.width
    let channels = shape.channels
    let base = image.elements(of: Float.self)
    var influence = [Float](repeating: 0, count: pixels)
    for first in stride(from: 0, to: pixels, by: batch) {
      let count = min(batch, pixels - first)
      var inputs: [Float] = []
      inputs.reserveCapacity(2 * count * base.count)
      for pixel in first..<first + count {
        for sign in [epsilon, -epsilon] {
          var changed = base
          for c in pixel * channels..<(pixel + 1) * channels { changed[c] += sign }
          inputs += changed
        }
      }
      let output = try model(Tensor([2 * count, shape.height, shape.width, channels], inputs))
      let y = output.shape
      precondition(y.rank == 4, "the output must be a feature map, not \(y)")
      let place = (row ?? y.height / 2) * y.width + (column ?? y.width / 2)
      output.withElements(of: Float.self) { values in
        for index in 0..<count {
          let plus = (2 * index * y.height * y.width + place) * y.channels
          let minus = plus + y.height * y.width * y.channels
          for c in 0..<y.channels {
            influence[first + index] += abs(values[plus + c] - values[minus + c]) / (2 * epsilon)
          }
        }
      }
    }
    self.influence = Tensor([shape.height, shape.width], influence)
  }

  /// The side of a square with the area of the smallest set of pixels that contains a share of the total influence; 0
  /// if no pixel has influence.
  public func side(holding share: Double = 0.95) -> Double {
    let values = influence.elements(of: Float.self).map(Double.init).sorted(by: >)
    let whole = values.reduce(0, +)
    guard whole > 0 else { return 0 }
    var (sum, count) = (0.0, 0)
    for value in values where sum < share * whole {
      sum += value
      count += 1
    }
    return Double(count).squareRoot()
  }

  /// The number of pixels with any influence.
  public var supportCount: Int { influence.elements(of: Float.self).count { $0 > 0 } }
}
