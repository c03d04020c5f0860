/// The dependence of a value's elements on those of another value, the *base*. It bounds quotients for which interval
/// arithmetic is not sufficient.
package struct ValueRelation: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// The base's elements, in any order and shape.
    case elements
    /// The minimum or maximum of the base, or over some of its axes.
    case minimum, maximum
    /// The sum along one axis of the base, kept with extent 1.
    case sum(axis: Int)
    /// The base minus its minimum; not negative.
    case aboveMinimum
    /// At least the maximum minus the minimum.
    case span
  }

  package var kind: Kind
  /// The index of the base among the graph's values.
  package var base: Int
  /// Whether the elements are the reciprocals.
  package var isReciprocal = false
}
