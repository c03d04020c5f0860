/// How much each input pixel changes one output pixel of a network with its weights, found by perturbation (Luo et al. 2016,
/// "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", measure it by the gradient).
public struct EffectiveReceptiveField: Sendable {
  /// Σ over the output's channels of |y(x + ε) − y(x − ε)| / 2ε, all channels of one input pixel changed together, `[height, width]`.
  public let influence: Tensor

  /// Measures it at one pixel of a network's first output.
  ///
  /// - Parameters:
  ///   - model: A network of one input `[batch, height, width, channels]` whose output is a feature map.
  ///   - image: The input around which it is measured, `[1, height, width, channels]`.
  ///   - row: The output pixel's row; by default the middle one.
  ///   - column: The output pixel's column; by default the middle one.
  ///   - epsilon: Half the change of an input pixel.
  ///   - batch: Images that are run at once.
  /// - Throws: `GraphError` where the network cannot take the image.
  public init(
    of model: Model, at image: Tensor, row: Int? = nil, column: Int? = nil, epsilon: Float = 1e-2, batch: Int = 16
  ) throws {
    let shape = image.shape
    precondition(shape.rank == 4 && shape.batch == 1, "an image is [1, height, width, channels], not \(shape)")
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
      precondition(y.rank == 4, "an output \(y) is no feature map")
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

  /// The side of the square with the area of the smallest set of pixels that holds a share of the whole influence; 0 where nothing has
  /// any.
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

  /// Pixels that have any influence.
  public var supportCount: Int { influence.elements(of: Float.self).count { $0 > 0 } }
}
