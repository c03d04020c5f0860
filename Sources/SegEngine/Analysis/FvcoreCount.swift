/// What fvcore's counter (Meta's `fvcore.nn.FlopCountAnalysis`) adds to multiply–adds, which it calls FLOPs: of normalisations, pooling
/// to a grid and resizing. It is a foreign rule, held in one place, and not how this project thinks that they cost.
///
/// Batch normalisation in evaluation 2 an element, layer and group normalisation 5, average pooling to a grid 1 an element of the input,
/// bilinear resizing 4 and nearest 1 an element of the output. It does not know activations, sums, products of elements, max pooling,
/// means over axes, nor PyTorch's fused attention, which it leaves out altogether.
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
