import SegEngine

/// A conditional random field in which every pixel is tied to every other (Krähenbühl and Koltun 2011, "Efficient Inference in Fully
/// Connected CRFs with Gaussian Edge Potentials"): it moves the borders of a segmentation to the edges of the image.
///
/// The energy of a labelling x is
///
/// E(x) = Σ over i of −log p_i(x_i) + Σ over i < j of Σ over m of w⁽ᵐ⁾ µ⁽ᵐ⁾(x_i, x_j) k̂⁽ᵐ⁾(f_i, f_j),
///
/// p the network's probabilities, µ what two labels cost beside each other, k̂ a Gaussian of two pixels' features, normalised
/// symmetrically: k̂_ij = k_ij / √(n_i n_j), n_i = Σ over j of k_ij. Mean-field inference approximates the distribution exp(−E) by
/// a product of marginals Q_i, found by repeating
///
/// Q_i(l) ∝ exp(log p_i(l) − Σ over m, l′ of w⁽ᵐ⁾ µ⁽ᵐ⁾(l, l′) Σ over j of k̂⁽ᵐ⁾_ij Q_j(l′)),
///
/// from Q = p on. As in the authors' implementation the sum over j includes i itself, and all pixels change at once.
public struct DenseCRF: Hashable, Sendable {
  /// How the sums over all pixels are computed.
  public enum Filtering: Hashable, Sendable {
    /// On a permutohedral lattice (Adams, Baek and Davis 2010): time linear in the pixels, whatever the deviations. An approximation of
    /// the Gaussian.
    case lattice
    /// Over the (2 · radius + 1)² pixels around each alone, where the kernels are exact: a convolutional CRF (Teichmann and Cipolla
    /// 2018). Time grows with the square of the radius, memory is (2 · radius + 1)² numbers a pixel.
    case window(radius: Int)
    /// Over all pairs of pixels: the definition itself, for small images. Time grows with the square of the pixels.
    case exact
  }

  /// The ties between pixels; their energies add up.
  public var kernels: [PairwiseKernel]
  /// How often all marginals are updated.
  public var iterations: Int
  /// How the sums over all pixels are computed.
  public var filtering: Filtering
  /// Probabilities below this count as this, so that no label is ruled out for good.
  public var minimumProbability: Float

  /// Makes a field.
  ///
  /// - Precondition: `iterations` is not negative, `minimumProbability` lies above 0 and below 1.
  public init(
    kernels: [PairwiseKernel], iterations: Int = 10, filtering: Filtering = .lattice, minimumProbability: Float = 1e-5
  ) {
    precondition(iterations >= 0, "\(iterations) iterations")
    precondition(minimumProbability > 0 && minimumProbability < 1, "a minimum probability of \(minimumProbability)")
    self.kernels = kernels
    self.iterations = iterations
    self.filtering = filtering
    self.minimumProbability = minimumProbability
  }

  /// What DeepLab v2 with ResNet-101 was published with: positions 3 · exp(−d²/2), positions and colours
  /// 4 · exp(−d²/(2 · 67²) − c²/(2 · 3²)), ten iterations.
  public static let deepLab = DenseCRF(kernels: [
    .gaussian(weight: 3, positionDeviation: 1), .bilateral(weight: 4, positionDeviation: 67, colorDeviation: 3),
  ])

  /// What DeepLab v1 is refined with (Chen et al. 2015): positions 3 · exp(−d²/(2 · 3²)), which the paper fixes, positions and colours
  /// 4 · exp(−d²/(2 · 49²) − c²/(2 · 5²)), ten iterations. The paper chooses the second kernel by cross-validation for each network and
  /// prints no values; these are those of the authors' script for VGG-16.
  public static let deepLabV1 = DenseCRF(kernels: [
    .gaussian(weight: 3, positionDeviation: 3), .bilateral(weight: 4, positionDeviation: 49, colorDeviation: 5),
  ])

  /// The marginals after the last iteration, `[height, width, classes]`; the argmax over the classes is the labelling.
  ///
  /// - Parameters:
  ///   - probabilities: The network's, `[height, width, classes]`, each pixel's summing to 1.
  ///   - image: The image of the same height and width, at its full size.
  ///   - backend: What computes. The number of its threads does not change the result.
  /// - Throws: ``CRFError`` where shapes differ, probabilities are none, or a deviation or matrix makes no sense.
  public func callAsFunction(
    _ probabilities: Tensor, image: Image, on backend: any Backend = OpenBLASBackend()
  ) throws(CRFError) -> Tensor {
    try validate(probabilities, image)
    let device = ComputeDevice(backend)
    let classes = probabilities.shape[2]
    let features = kernels.map { $0.features(of: image) }
    var field = MeanField(probabilities, minimum: minimumProbability, on: device)
    func iterate(_ messages: consuming some PairwiseMessages) {
      for _ in 0..<iterations { field.update(by: &messages) }
    }
    switch filtering {
    case .lattice:
      iterate(try LatticeMessages(kernels, features, classes: classes, unary: field.unary, on: device))
    case .window(let radius):
      let size = Extent2D(image.height, image.width)
      iterate(
        WindowMessages(
          KernelGroup.groups(kernels, features), size: size, radius: radius, classes: classes, unary: field.unary,
          on: device))
    case .exact:
      iterate(ExactMessages(KernelGroup.groups(kernels, features), classes: classes, unary: field.unary, on: device))
    }
    return field.marginals(shape: probabilities.shape)
  }

  /// About the memory in bytes that a call needs besides probabilities and image, whatever number of classes a file claims.
  public func byteCount(for image: Image, classes: Int) -> Int {
    let classes = min(classes, 1 << 40)
    let (pixels, stride) = (Double(image.width * image.height), Double(MeanField.stride(of: classes)))
    let others: Double
    switch filtering {
    case .lattice:
      // Two vertices a pixel is much; a flat image has one in hundreds.
      others = Double(kernels.count) * (2 * (2 * stride * 4 + 80) + 200)
    case .window(let radius): others = (2 * Double(radius) + 1) * (2 * Double(radius) + 1) * 8
    case .exact: others = 1000
    }
    return Int(exactly: pixels * ((3 * stride + Double(classes)) * 4 + others)) ?? .max
  }

  private func validate(_ probabilities: Tensor, _ image: Image) throws(CRFError) {
    let shape = probabilities.shape
    guard shape.rank == 3, probabilities.elementType == .float32, shape.elementCount > 0 else {
      throw .notProbabilities(probabilities.spec)
    }
    guard shape[0] == image.height, shape[1] == image.width else {
      throw .sizesDiffer(probabilities: Extent2D(shape[0], shape[1]), image: Extent2D(image.height, image.width))
    }
    for kernel in kernels { try kernel.validate(classes: shape[2]) }
    if case .window(let radius) = filtering, !(0...Self.largestRadius).contains(radius) { throw .radius(radius) }
    let classes = shape[2]
    let bad = probabilities.withElements(of: Float.self) { values -> (pixel: Int, sum: Float)? in
      for pixel in 0..<values.count / classes {
        var sum: Float = 0
        var isNegative = false
        for c in pixel * classes..<(pixel + 1) * classes {
          sum += values[c]
          if values[c] < 0 { isNegative = true }
        }
        // A NaN fails every comparison.
        if isNegative || !(abs(sum - 1) <= Self.sumTolerance) { return (pixel, sum) }
      }
      return nil
    }
    if let bad {
      throw .noDistribution(row: bad.pixel / shape[1], column: bad.pixel % shape[1], sum: bad.sum)
    }
  }

  /// How far from 1 the sum of a pixel's probabilities may be.
  public static let sumTolerance: Float = 1e-3
  /// The largest radius of a window.
  public static let largestRadius = 64
}

/// What a dense CRF cannot work on.
public enum CRFError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The probabilities are no float32 tensor of three axes.
  case notProbabilities(TensorSpec)
  /// Probabilities and image have different sizes.
  case sizesDiffer(probabilities: Extent2D, image: Extent2D)
  /// A pixel's probabilities are not a distribution: one is NaN or negative, or they do not sum to 1.
  case noDistribution(row: Int, column: Int, sum: Float)
  /// A kernel's deviation is not positive and finite, or its weight not finite.
  case kernel(PairwiseKernel)
  /// A matrix of label compatibilities is not one number a pair of classes.
  case compatibility(rows: Int, classes: Int)
  /// Deviations so small that the lattice's coordinates leave their range.
  case deviationTooSmall(PairwiseKernel)
  /// A window that is none, or too large.
  case radius(Int)

  /// One line that says what is wrong.
  public var description: String {
    switch self {
    case .notProbabilities(let spec): "probabilities are float32 [height, width, classes], not \(spec)"
    case .sizesDiffer(let probabilities, let image):
      "the probabilities have \(probabilities.height)×\(probabilities.width) pixels, the image \(image.height)×\(image.width)"
    case .noDistribution(let row, let column, let sum):
      sum.isFinite
        ? "the probabilities of row \(row), column \(column) are negative or do not sum to 1 (sum \(sum))"
        : "the probabilities of row \(row), column \(column) are not finite"
    case .kernel(let kernel): "a CRF's deviations are positive and its weights finite: \(kernel)"
    case .compatibility(let rows, let classes):
      "label compatibilities are finite numbers, \(classes) rows of \(classes), not \(rows) rows"
    case .deviationTooSmall(let kernel): "a deviation is too small for an image of this size: \(kernel)"
    case .radius(let radius): "a CRF's window has a radius of 0 to \(DenseCRF.largestRadius), not \(radius)"
    }
  }
}
