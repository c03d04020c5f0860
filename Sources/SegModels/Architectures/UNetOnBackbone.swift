import SegEngine

/// A U-Net of segmentation-models-pytorch: a decoder whose last block has the image's size, and a 3×3 convolution to
/// the logits.
public protocol UNetOnBackbone: SegmentationModelsNetwork {
  /// Channels of the decoder's outermost blocks, the coarsest first, one for each of the encoder's maps.
  var decoderWidths: [Int] { get }
  /// The name of the last block, which has the image's size.
  var lastBlock: String { get }
}

extension UNetOnBackbone {
  public var headKernel: Int { 3 }

  /// The last block's weights include channels of a skip connection that it does not have.
  public var checkpoints: CheckpointMapping {
    var mapping = CheckpointMapping.segmentationModels
    mapping.unused.append("decoder.blocks.\(lastBlock).attention1.")
    return mapping
  }

  /// The last block's map already has the image's size.
  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv("segmentation_head.0", classes, kernel: Extent2D(headKernel))
  }

  /// The backbone's maps, followed by the image, whose size the last block takes.
  public func encoder(_ image: Value) -> [Value] {
    image.graph.scope(backboneScope) { backbone.features(of: image) } + [image]
  }
}

/// A block of segmentation-models-pytorch's U-Nets: concatenation, optional attention, and two 3×3 convolutions.
/// Parameters: `conv1.0`, `conv1.1`, `conv2.0`, `conv2.1`, and `attention1.attention`, `attention2.attention`.
func decoderBlock(_ x: Value, _ skipped: [Value], _ width: Int, attends: Bool) -> Value {
  var x = x
  func attended(_ x: Value, _ name: String) -> Value {
    attends ? x.graph.scope("\(name).attention") { x.squeezedAndExcited() } : x
  }
  if !skipped.isEmpty { x = attended(x.concat(with: skipped), "attention1") }
  x = x.convolved("conv1.0", "conv1.1", width, kernel: 3).convolved("conv2.0", "conv2.1", width, kernel: 3)
  return attended(x, "attention2")
}
