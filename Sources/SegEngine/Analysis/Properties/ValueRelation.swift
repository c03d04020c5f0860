/// How the elements of a value depend on those of another, the *base*, for quotients whose range no interval tells.
package struct ValueRelation: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// The base's elements themselves, in any order and shape.
    case elements
    /// The least, or the largest, of the base or of some axes of it.
    case minimum, maximum
    /// The sum along one axis of the base, which stays with extent 1.
    case sum(axis: Int)
    /// The base less its least: not negative.
    case aboveMinimum
    /// The largest less the least, or more.
    case span
  }

  package var kind: Kind
  /// The index of the base among the graph's values.
  package var base: Int
  /// Whether these are the reciprocals.
  package var isReciprocal = false
}
