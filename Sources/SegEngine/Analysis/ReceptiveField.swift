/// The receptive field of a graph's value: the part of an input that it is computed from, derived from the graph alone
/// (Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks").
public struct ReceptiveField: Hashable, Sendable {
  /// The receptive field along one axis.
  public struct Axis: Hashable, Sendable {
    /// The extent of a pixel's receptive field in input pixels, on an unbounded image. If upsampling makes it differ
    /// between pixels, the largest.
    public var size: Int
    /// The distance between the receptive fields of neighbouring pixels, in input pixels.
    public var jump: Double
    /// The centre of pixel 0's receptive field, in input pixels; input pixel 0 has its centre at 0.
    public var offset: Double

    /// Creates a receptive field along one axis.
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
  /// Whether an operator on some path reads all of its input (global pooling, attention, normalisation over pixels).
  /// Sizes are then those of the other paths.
  public var isGlobal: Bool
}
