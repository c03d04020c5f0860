import SegEngine

/// A fully connected conditional random field (Krähenbühl and Koltun 2011, "Efficient Inference in Fully Connected CRFs
/// with Gaussian Edge Potentials"). It aligns the borders of a segmentation with the edges of the image.
///
/// The energy of a labelling x is
///
///     E(x) = Σ over i of −log p_i(x_i) + Σ over i < j of Σ over m of w⁽ᵐ⁾ µ⁽ᵐ⁾(x_i, x_j) k̂⁽ᵐ⁾(f_i, f_j),
///
/// where p are the network's probabilities, µ is the label compatibility, and k̂ is a Gaussian of two pixels' features,
/// normalised symmetrically: k̂_ij = k_ij / √(n_i n_j), n_i = Σ over j of k_ij. Mean-field inference approximates the
/// distribution exp(−E) by a product of marginals Q_i. It starts from Q = p and iterates
///
///     Q_i(l) ∝ exp(log p_i(l) − Σ over m, l′ of w⁽ᵐ⁾ µ⁽ᵐ⁾(l, l′) Σ over j of k̂⁽ᵐ⁾_ij Q_j(l′)).
///
/// As in the authors' implementation, the sum over j includes i itself, and all pixels are updated at once.
public struct DenseCRF: Hashable, Sendable {
  /// The method that computes the sums over all pixels.
  public enum Filtering: Hashable, Sendable {
    /// A permutohedral lattice (Adams, Baek and Davis 2010). Time is linear in the number of pixels and independent of
    /// the deviations. It approximates the Gaussian.
    case lattice
    /// Exact kernels, limited to the (2 · radius + 1)² pixels around each pixel: a convolutional CRF (Teichmann and
    /// Cipolla 2018). Time grows with the square of the radius; memory is (2 · radius + 1)² floats per pixel.
    case window(radius: Int)
    /// Exact kernels over all pairs of pixels, for small images. Time grows with the square of the number of pixels.
    case exact
  }

  /// The pairwise kernels; their energies are summed.
  public var kernels: [PairwiseKernel]
  /// The number of mean-field iterations.
  public var iterations: Int
  /// The method that computes the sums over all pixels.
  public var filtering: Filtering
  /// Probabilities are clamped to at least this value, so that no label is excluded.
  public var minimumProbability: Float

  /// Creates a CRF.
  ///
  /// - Precondition: `iterations` is not negative; `minimumProbability` is above 0 and below 1.
  public init(
    kernels: [PairwiseKernel], iterations: Int = 10, filtering: Filtering = .lattice, minimumProbability: Float = 1e-5
  ) {
    precondition(iterations >= 0, "\(iterations) iterations")
    precondition(
      minimumProbability > 0 && minimumProbability < 1,
      "minimumProbability must be between 0 and 1, not \(minimumProbability)")
    self.kernels = kernels
    self.iterations = iterations
    self.filtering = filtering
    self.minimumProbability = minimumProbability
  }

  /// The CRF published with DeepLab v2 with ResNet-101: positions 3 · exp(−d²/2), positions and colours 4 · exp(−d²/(2
  /// · 67²) − c²/(2 · 3²)), ten iterations.
  public static let deepLab = DenseCRF(kernels: [
    .gaussian(weight: 3, positionDeviation: 1), .bilateral(weight: 4, positionDeviation: 67, colorDeviation: 3),
  ])

  /// The CRF of DeepLab v1 (Chen et al. 2015): positions 3 · exp(−d²/(2 · 3²)), as fixed in the paper; positions and
  /// colours 4 · exp(−d²/(2 · 49²) − c²/(2 · 5²)); ten iterations. The paper chooses the second kernel by
  /// cross-validation for each network and does not print the values; these are from the authors' script for VGG-16.
  public static let deepLabV1 = DenseCRF(kernels: [
    .gaussian(weight: 3, positionDeviation: 3), .bilateral(weight: 4, positionDeviation: 49, colorDeviation: 5),
  ])

  /// The marginals after the last iteration, `[height, width, classes]`. Their argmax over the classes is the
  /// labelling.
  ///
  /// - Parameters:
  ///   - probabilities: The network's probabilities, `[height, width, classes]`, with sum 1 at each pixel.
  ///   - image: The image, of the same height and width.
  ///   - backend: The backend. The result does not depend on its number of threads.
  /// - Throws: ``CRFError`` if shapes differ, the probabilities are not distributions, or a kernel is invalid.
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
      let size = Extent2D(height: image.height, width: image.width)
      iterate(
        WindowMessages(
          KernelGroup.groups(kernels, features), size: size, radius: radius, classes: classes, unary: field.unary,
          on: device))
    case .exact:
      iterate(ExactMessages(KernelGroup.groups(kernels, features), classes: classes, unary: field.unary, on: device))
    }
    return field.marginals(shape: probabilities.shape)
  }

  /// The approximate memory in bytes that a call needs in addition to probabilities and image. It does not overflow,
  /// whatever number of classes a file states.
  public func byteCount(for image: Image, classes: Int) -> Int {
    let classes = min(classes, 1 << 40)
    let (pixels, stride) = (Double(image.width * image.height), Double(MeanField.stride(of: classes)))
    let others: Double
    switch filtering {
    case .lattice:
      // An upper estimate: two lattice vertices per pixel. A uniform image has one vertex per several hundred pixels.
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
      throw .sizesDiffer(
        probabilities: Extent2D(height: shape[0], width: shape[1]),
        image: Extent2D(height: image.height, width: image.width))
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
        // Written so that NaN fails the check.
        if isNegative || !(abs(sum - 1) <= Self.sumTolerance) { return (pixel, sum) }
      }
      return nil
    }
    if let bad {
      throw .noDistribution(row: bad.pixel / shape[1], column: bad.pixel % shape[1], sum: bad.sum)
    }
  }

  /// The tolerance for the sum of a pixel's probabilities.
  public static let sumTolerance: Float = 1e-3
  /// The largest radius of a window.
  public static let largestRadius = 64
}
