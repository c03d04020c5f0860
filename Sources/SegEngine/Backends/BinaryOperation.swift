/// A function of two numbers, applied to elements that stand at the same place.
public enum BinaryOperation: Int, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
}
