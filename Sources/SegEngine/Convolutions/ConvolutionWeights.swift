/// Packing of forward convolution weights for products: the rows of B are (tap, input channel of the group), its columns the
/// output channels of the group; one B after another for each group. Every algorithm whose product runs over taps shares it.
struct TapMajorWeights: Sendable {
  let groups: Int
  let taps: Int
  let groupInputs: Int
  let product: PanelProduct

  init(_ problem: ConvolutionProblem, on backend: any Backend) {
    groups = problem.geometry.groups
    taps = problem.taps
    groupInputs = problem.groupInputs
    product = PanelProduct(k: problem.taps * problem.groupInputs, n: problem.groupOutputs, on: backend)
  }

  var packing: String { "tap-major/" + product.layoutName }
  var packedCount: Int { groups * product.count }

  func pack(_ weights: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
    for group in 0..<groups {
      for output in 0..<product.n {
        let source = weights + (group * product.n + output) * groupInputs * taps
        for input in 0..<groupInputs {
          for tap in 0..<taps {
            packed[group * product.count + product.offset(row: tap * groupInputs + input, column: output)] =
              source[input * taps + tap]
          }
        }
      }
    }
  }
}
