/// What part of an input a value of a graph is computed from, by the graph alone (Araujo, Norris and Sim 2019, "Computing Receptive
/// Fields of Convolutional Neural Networks").
public struct ReceptiveField: Hashable, Sendable {
  /// Along one axis.
  public struct Axis: Hashable, Sendable {
    /// Input pixels from the first to the last that a pixel sees, on an image without borders. Where up-sampling makes it differ from
    /// pixel to pixel, the largest.
    public var size: Int
    /// Input pixels from one pixel's field to the next one's.
    public var jump: Double
    /// The centre of pixel 0's field, in input pixels, pixel 0 having its centre at 0.
    public var offset: Double

    /// Describes a field along one axis.
    public init(size: Int, jump: Double, offset: Double) {
      self.size = size
      self.jump = jump
      self.offset = offset
    }
  }

  /// Along the height.
  public var height: Axis
  /// Along the width.
  public var width: Axis
  /// Whether an operator on the way sees all of its input (global pooling, attention, normalisation over pixels). Sizes are then those
  /// of the other ways.
  public var isGlobal: Bool
}
