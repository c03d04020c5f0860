import ArgumentParser
import SegModels

extension TestTimeAugmentation.Combination: ExpressibleByArgument {}

/// Scale factors on the command line, such as `0.5,1,1.5`.
struct ScaleList: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0.map { $0 >= 0.05 && $0 <= 16 } ?? false }) else { return nil }
    values = numbers.compactMap { $0 }
  }
}

/// The views of each image in test-time augmentation.
struct ViewOptions: ParsableArguments {
  @Flag(help: "Average over the sizes 0.5, 0.75, 1, 1.25 and 1.5 and over flipped images.")
  var multiScale = false

  @Option(help: ArgumentHelp("The sizes to average over, as 0.75,1,1.25.", valueName: "factors"))
  var scales: ScaleList?

  @Flag(help: "Average over each image and its mirror image.")
  var flip = false

  @Option(help: ArgumentHelp("How several views become one: their `mean` or `maximum`.", valueName: "way"))
  var combine: TestTimeAugmentation.Combination = .mean

  /// The views; `nil` if only the image itself is used.
  var views: TestTimeAugmentation? {
    guard multiScale || scales != nil || flip else { return nil }
    return TestTimeAugmentation(
      scales: scales?.values ?? (multiScale ? TestTimeAugmentation.multiScale.scales : [1]),
      flips: flip || multiScale, combination: combine)
  }
}

/// The parameters of a conditional random field. Parameters that are not given are the network's, or those of ``DenseCRF/deepLab``.
struct CRFOptions: ParsableArguments {
  @Option(name: .customLong("crf-iterations"), help: ArgumentHelp("Mean-field iterations.", valueName: "count"))
  var iterations: Int?

  @Option(
    name: .customLong("crf-position-weight"),
    help: ArgumentHelp(
      """
      Weight of the kernel of positions; 0 leaves it out. What is not given is what the network was published with, or 3, 1, 4, 67 and 3 \
      in the order of these options, after 10 iterations.
      """, valueName: "number"))
  var positionWeight: Float?

  @Option(
    name: .customLong("crf-position-deviation"),
    help: ArgumentHelp("Its standard deviation in pixels.", valueName: "pixels"))
  var positionDeviation: Float?

  @Option(
    name: .customLong("crf-bilateral-weight"),
    help: ArgumentHelp("Weight of the kernel of positions and colours; 0 leaves it out.", valueName: "number"))
  var bilateralWeight: Float?

  @Option(
    name: .customLong("crf-bilateral-deviation"),
    help: ArgumentHelp("Its standard deviation of positions in pixels.", valueName: "pixels"))
  var bilateralDeviation: Float?

  @Option(
    name: .customLong("crf-color-deviation"),
    help: ArgumentHelp("Its standard deviation of colours, in steps of 8 bits.", valueName: "steps"))
  var colorDeviation: Float?

  @Option(
    name: .customLong("crf-window"),
    help: ArgumentHelp(
      "Tie each pixel to those of a window of this radius alone (a convolutional CRF), not to all.", valueName: "radius"
    ))
  var window: Int?

  @Flag(
    name: .customLong("crf-exact"), help: "Sum over all pairs of pixels instead of on a lattice; for small images.")
  var exact = false

  func validate() throws {
    if let iterations, !(0...1000).contains(iterations) {
      throw ValidationError("--crf-iterations is 0 to 1000, not \(iterations)")
    }
    for case (let name, let value?) in [
      ("position", positionDeviation), ("bilateral", bilateralDeviation), ("color", colorDeviation),
    ] where !(value > 0 && value.isFinite) {
      throw ValidationError("--crf-\(name)-deviation is positive, not \(value)")
    }
    for case (let name, let value?) in [("position", positionWeight), ("bilateral", bilateralWeight)]
    where !value.isFinite {
      throw ValidationError("--crf-\(name)-weight is finite, not \(value)")
    }
    if let window, !(0...DenseCRF.largestRadius).contains(window) {
      throw ValidationError("--crf-window is 0 to \(DenseCRF.largestRadius), not \(window)")
    }
    if exact, window != nil { throw ValidationError("--crf-exact and --crf-window exclude each other") }
  }

  /// Returns the field, with the parameters of `base` that are not given here.
  func field(_ base: DenseCRF) -> DenseCRF {
    let positions = base.kernels.first { $0.colorDeviation == nil }
    let colors = base.kernels.first { $0.colorDeviation != nil }
    var kernels: [PairwiseKernel] = []
    let weights = (positionWeight ?? positions?.weight ?? 0, bilateralWeight ?? colors?.weight ?? 0)
    if weights.0 != 0 {
      kernels.append(
        .gaussian(
          weight: weights.0, positionDeviation: positionDeviation ?? positions?.positionDeviation ?? 1))
    }
    if weights.1 != 0 {
      kernels.append(
        .bilateral(
          weight: weights.1, positionDeviation: bilateralDeviation ?? colors?.positionDeviation ?? 67,
          colorDeviation: colorDeviation ?? colors?.colorDeviation ?? 3))
    }
    return DenseCRF(
      kernels: kernels, iterations: iterations ?? base.iterations,
      filtering: exact ? .exact : window.map { .window(radius: $0) } ?? base.filtering,
      minimumProbability: base.minimumProbability)
  }
}
