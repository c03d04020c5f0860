/// How many numbers become one.
public enum Reduction: Int, Sendable, CaseIterable {
  case sum, maximum, minimum, product, sumOfSquares
}
