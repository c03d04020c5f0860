/// An operation that reduces numbers to one.
public enum Reduction: Int, Sendable, CaseIterable {
  case sum, maximum, minimum, product, sumOfSquares
}
