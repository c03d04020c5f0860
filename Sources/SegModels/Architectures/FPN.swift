import SegEngine

/// A feature pyramid network (Lin et al. 2017) with the segmentation branch of Kirillov et al. 2019, as in
/// segmentation-models-pytorch: 1×1 convolutions of each map, summed from coarse to fine; then 3×3 convolutions with
/// group normalisation that upsample all levels to a quarter of the image's size, where they are summed.
///
/// The library omits the 3×3 convolution that Lin et al. have after each sum.
///
/// Parameters: `encoder.layer1.0.conv1.weight`, `decoder.p4.skip_conv.weight`,
/// `decoder.seg_blocks.0.block.0.block.0.weight`, `segmentation_head.0.weight`.
public struct FPN: SegmentationModelsNetwork {
  /// How the maps of the levels are combined.
  public enum Merge: Hashable, Sendable {
    case sum
    case concatenation
  }

  /// The encoder, of output stride 32.
  public var backbone: any Backbone
  public var classes: Int
  /// Channels of the pyramid.
  public var pyramidWidth = 256
  /// Channels of the segmentation branch, a multiple of 32.
  public var width = 128
  /// How the maps of the levels are combined.
  public var merge = Merge.sum
  /// The upsampling of a level before it is added to the finer level.
  public var upsampling = Upsampling.nearest
  /// The upsampling after each convolution of the segmentation branch.
  public var branchUpsampling = Upsampling.bilinear(aligningCorners: true)

  /// Creates a network on a backbone.
  public init(_ backbone: any Backbone = ResNet.resNet34, classes: Int = 21) {
    self.backbone = backbone
    self.classes = classes
  }

  public var architecture: String { "FPN" }

  public func decoder(_ features: [Value]) -> [Value] {
    let maps = Array(features.suffix(4).reversed())
    return maps[0].graph.scope("decoder") {
      var pyramid = [maps[0].conv("p5", pyramidWidth, kernel: 1)]
      for (index, map) in maps.enumerated().dropFirst() {
        let coarser = pyramid[index - 1].upsampled(
          upsampling, "p\(5 - index).up", channels: pyramidWidth, by: 2, like: map)
        pyramid.append(coarser + map.conv("p\(5 - index).skip_conv", pyramidWidth, kernel: 1))
      }
      let branches = pyramid.enumerated().map { index, level in
        var x = level
        // The deepest level is upsampled three times and the finest not at all; each level has at least one
        // convolution.
        for step in 0..<max(1, 3 - index) {
          x = x.conv("seg_blocks.\(index).block.\(step).block.0", width, kernel: 3, bias: false)
            .groupNorm("seg_blocks.\(index).block.\(step).block.1", groups: 32).relu()
          if index < 3 {
            x = x.upsampled(
              branchUpsampling, "seg_blocks.\(index).block.\(step).up", channels: width, by: 2,
              like: maps[index + step + 1])
          }
        }
        return x
      }
      let merged =
        switch merge {
        case .sum: branches.dropFirst().reduce(branches[0], +)
        case .concatenation: branches.concatenated()
        }
      return [merged.dropout("dropout", rate: 0.2, of: .channel)]
    }
  }
}
