import SegEngine

/// What stands between a convolution and its activation.
public enum Normalization: Hashable, Sendable {
  /// Nothing.
  case none
  /// Batch normalisation with the statistics of training.
  case batch
}

extension Value {
  /// Applies a normalisation whose parameters begin with `name`.
  func normalized(_ normalization: Normalization, _ name: String) -> Value {
    switch normalization {
    case .none: self
    case .batch: batchNorm(name)
    }
  }
}
