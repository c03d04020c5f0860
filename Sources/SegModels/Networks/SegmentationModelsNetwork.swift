import SegEngine

/// A segmentation-models-pytorch network: `encoder`, `decoder` and `segmentation_head`, with logits upsampled to the
/// image with aligned corners.
///
/// The library requires image sizes that are multiples of the encoder's stride. Here each map is upsampled to the size
/// of the finer map. This gives the same result for those sizes and allows all others.
public protocol SegmentationModelsNetwork: BackboneNetwork {
  /// The kernel size of the head.
  var headKernel: Int { get }
  /// The method that upsamples the logits to the image.
  var headUpsampling: Upsampling { get }
  /// The factor by which the logits are upsampled.
  var headFactor: Int { get }
}

extension SegmentationModelsNetwork {
  public var backboneScope: String { "encoder" }

  public var headKernel: Int { 1 }

  public var headUpsampling: Upsampling { .bilinear(aligningCorners: true) }

  /// The output of the decoders has a quarter of the image's height and width.
  public var headFactor: Int { 4 }

  public var checkpoints: CheckpointMapping { .segmentationModels }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv("segmentation_head.0", classes, kernel: Extent2D(headKernel))
      .upsampled(headUpsampling, "segmentation_head.1", channels: classes, by: headFactor, like: image)
  }
}

extension CheckpointMapping {
  /// The checkpoint mapping of the segmentation-models-pytorch networks.
  static let segmentationModels = CheckpointMapping(
    head: ["segmentation_head."], unused: ["classification_head.", "encoder.fc.", "encoder.classifier."])
}
