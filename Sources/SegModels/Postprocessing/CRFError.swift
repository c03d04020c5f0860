import SegEngine

/// Inputs that a dense CRF rejects.
public enum CRFError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The probabilities are not a float32 tensor of three axes.
  case notProbabilities(TensorSpec)
  /// The sizes of probabilities and image differ.
  case sizesDiffer(probabilities: Extent2D, image: Extent2D)
  /// The probabilities of a pixel are not a distribution: one is NaN or negative, or their sum is not 1.
  case noDistribution(row: Int, column: Int, sum: Float)
  /// A kernel's deviation is not positive and finite, or its weight is not finite.
  case kernel(PairwiseKernel)
  /// A compatibility matrix is not `[classes, classes]`, or not finite.
  case compatibility(rows: Int, classes: Int)
  /// Deviations so small that the coordinates of the lattice overflow.
  case deviationTooSmall(PairwiseKernel)
  /// A window radius that is negative or too large.
  case radius(Int)

  /// The error in one line.
  public var description: String {
    switch self {
    case .notProbabilities(let spec): "probabilities must be float32 [height, width, classes], not \(spec)"
    case .sizesDiffer(let probabilities, let image):
      "the probabilities have \(probabilities.height)×\(probabilities.width) pixels, the image \(image.height)×\(image.width)"
    case .noDistribution(let row, let column, let sum):
      sum.isFinite
        ? "the probabilities of row \(row), column \(column) are negative or do not sum to 1 (sum \(sum))"
        : "the probabilities of row \(row), column \(column) are not finite"
    case .kernel(let kernel): "a CRF's deviations must be positive and its weights finite: \(kernel)"
    case .compatibility(let rows, let classes):
      "label compatibilities must be finite, \(classes) rows of \(classes), not \(rows) rows"
    case .deviationTooSmall(let kernel): "a deviation is too small for an image of this size: \(kernel)"
    case .radius(let radius): "a CRF's window radius must be 0 to \(DenseCRF.largestRadius), not \(radius)"
    }
  }
}
