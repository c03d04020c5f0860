/// The operations that fvcore (Meta's `fvcore.nn.FlopCountAnalysis`) counts in addition to multiply–adds, which it
/// calls FLOPs. This is fvcore's rule, for comparison with published numbers; it is not ``Cost``.
///
/// Per element: batch normalisation in evaluation 2, layer and group normalisation 5, adaptive average pooling 1 (of
/// the input), bilinear resizing 4 and nearest 1 (of the output). fvcore does not count activations, sums, elementwise
/// products, max pooling, means over axes, or PyTorch's fused attention.
enum FvcoreCount {
  static func operations(besidesProductsOf node: any Operator, inputs: [TensorSpec], outputs: [TensorSpec]) -> Int {
    guard let input = inputs.first, let output = outputs.first else { return 0 }
    let (read, written) = (input.shape.elementCount, output.shape.elementCount)
    switch node {
    case is BatchNorm: return 2 * read
    case is LayerNorm, is GroupNorm: return 5 * read
    case let pool as GlobalPool where pool.operation == .average: return read
    case let pool as AdaptivePool where pool.operation == .average: return read
    case let resize as Resize:
      switch resize.interpolation {
      case .bilinear: return 4 * written
      case .nearest: return written
      case .nearestExact, .bicubic: return 0
      }
    default: return 0
    }
  }
}
