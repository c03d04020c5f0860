/// The places of a convolution's weights in memory, in floats: the weight of an output and an input channel of a group and of a tap is at
/// the sum of their offsets.
///
/// Checkpoints hold `[out, in / groups, tap]`, or transposed `[in, out / groups, tap]`.
struct WeightLayout: Hashable, Sendable {
  /// Strides in elements: from one group to the next, and within a group from one output channel and one input channel to the next.
  let group, output, input: Int
  /// The number of taps.
  let taps: Int
  /// Whether the taps are in reverse order.
  private(set) var isTurned = false

  init(group: Int, output: Int, input: Int, taps: Int) {
    (self.group, self.output, self.input, self.taps) = (group, output, input, taps)
  }

  /// Returns the offset of a tap.
  func tap(_ tap: Int) -> Int { isTurned ? taps - 1 - tap : tap }

  /// The layout with the taps in reverse order.
  var turned: WeightLayout {
    var layout = self
    layout.isTurned.toggle()
    return layout
  }
}
