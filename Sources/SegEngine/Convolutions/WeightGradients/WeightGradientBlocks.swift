/// A block of a convolution's weights: some input channels by some output channels, with all taps.
struct WeightGradientBlock {
  let group: Int
  /// Input channels of the group.
  let inputs: Range<Int>
  /// Output channels of the convolution.
  let outputs: Range<Int>
}

/// The blocks of a convolution's weights, and the form of their sums: a row for each input channel and tap, a column for each output
/// channel, undefined columns behind them up to whole registers. Transposed, a row is an output channel, and a column an input channel; there is
/// one tap then.
struct WeightGradientBlocks: Sendable {
  let groups: Int
  /// The input channels of a group, and its output channels.
  let inputs, outputs: EvenPieces
  let taps: Int
  /// Whether rows are output channels.
  let isTransposed: Bool
  /// Floats of a register.
  private let unit: Int

  init(groups: Int, inputs: EvenPieces, outputs: EvenPieces, taps: Int, unit: Int, isTransposed: Bool = false) {
    precondition(!isTransposed || taps == 1, "transposed sums are of one tap, not \(taps)")
    self.isTransposed = isTransposed
    self.groups = groups
    self.inputs = inputs
    self.outputs = outputs
    self.taps = taps
    self.unit = unit
  }

  /// The number of blocks.
  var count: Int { groups * inputs.pieces * outputs.pieces }

  /// Blocks of the same input channels follow each other.
  subscript(index: Int) -> WeightGradientBlock {
    let (rest, output) = index.quotientAndRemainder(dividingBy: outputs.pieces)
    let (group, input) = rest.quotientAndRemainder(dividingBy: inputs.pieces)
    let (columns, first) = (outputs[output], group * outputs.count)
    return WeightGradientBlock(
      group: group, inputs: inputs[input], outputs: first + columns.lowerBound..<first + columns.upperBound)
  }

  /// The rows of a block's sums.
  func rows(of block: WeightGradientBlock) -> Int { isTransposed ? block.outputs.count : block.inputs.count * taps }
  /// The rows of the largest block's sums.
  var largestRows: Int { isTransposed ? outputs.size : inputs.size * taps }
  /// The columns of a block's sums, whole registers.
  func columns(of block: WeightGradientBlock) -> Int {
    wholeRegisters(isTransposed ? block.inputs.count : block.outputs.count)
  }
  /// The columns of the largest block's sums.
  var largestColumns: Int { wholeRegisters(isTransposed ? inputs.size : outputs.size) }
  /// Floats of the largest block's sums.
  var sumCount: Int { (largestRows * largestColumns + 15) / 16 * 16 }

  private func wholeRegisters(_ count: Int) -> Int { (count + unit - 1) / unit * unit }

  /// The least number of tasks, with which any usual number of threads is evenly busy.
  private static let leastTasks = 24
  /// The most floats of all partial sums.
  private static let mostSums = 8 << 20

  /// Cuts items into parts: a number of them that does not depend on threads, more than one where there are few blocks.
  func parts(ofItems items: Int) -> EvenPieces {
    let wanted = 2 * count > WeightGradientBlocks.leastTasks ? 1 : WeightGradientBlocks.leastTasks / count
    let most = max(1, WeightGradientBlocks.mostSums / (count * sumCount))
    return EvenPieces(items, largest: items, atLeast: min(wanted, most))
  }
}
