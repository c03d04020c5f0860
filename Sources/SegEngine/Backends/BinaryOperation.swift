/// An elementwise function of two numbers.
public enum BinaryOperation: Int, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
}
