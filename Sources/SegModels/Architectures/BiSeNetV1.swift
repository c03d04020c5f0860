import SegEngine

/// BiSeNet (Yu et al. 2018): a spatial path of three convolutions of stride 2, a context path on ResNet-18 with
/// attention refinement, and a module that fuses both.
///
/// Layers and names follow the common PyTorch port: the first convolution of the spatial path is 7×7; upsampling is
/// nearest-neighbour, except for the last, which is bilinear with aligned corners; the heads have no bias. The network
/// has 13.4 million parameters with ResNet-18, 0.15 million of them in the auxiliary heads. The paper states 49.0
/// million, which is more than its own description gives.
public struct BiSeNetV1: SegmentationNetwork, Hashable {
  /// The backbone of the context path, of stride 32.
  public var backbone = ResNet.resNet18
  /// The number of classes.
  public var classes = 19
  /// Channels of the first three convolutions of the spatial path.
  public var spatialWidth = 64
  /// Channels of the outputs of the spatial path and of the context path.
  public var pathWidth = 128
  /// Channels of the fusion module and of the head. The auxiliary heads have a quarter of this.
  public var fusionWidth = 256
  /// The upsampling in the context path. Methods with a choice of channels keep them; max unpooling is not supported.
  public var upsampling = Upsampling.nearest

  /// Creates the network of the paper, for Cityscapes.
  public init() {}

  public var title: String { "BiSeNetV1 \(backbone.title)" }

  public var inputChannels: Int {
    get { backbone.inputChannels }
    set { backbone.inputChannels = newValue }
  }

  public var features: [Feature] {
    [
      Feature("sp.conv_out", channels: pathWidth, stride: 8), Feature("cp.conv_head16", channels: pathWidth, stride: 8),
      Feature("cp.conv_head32", channels: pathWidth, stride: 16),
    ]
  }

  public var auxiliaryOutputs: [String] { ["auxiliary16", "auxiliary32"] }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      auxiliary: ["conv_out16.", "conv_out32."],
      head: ["conv_out.conv_out.", "conv_out16.conv_out.", "conv_out32.conv_out."], unused: ["cp.resnet.fc."])
  }

  public func encoder(_ image: Value) -> [Value] {
    let spatial = image.graph.scope("sp") {
      var x = block(image, "conv1", spatialWidth, kernel: 7, stride: 2)
      for index in 2...3 { x = block(x, "conv\(index)", spatialWidth, kernel: 3, stride: 2) }
      return block(x, "conv_out", pathWidth, kernel: 1)
    }
    return [spatial] + image.graph.scope("cp") { context(image) }
  }

  public func decoder(_ features: [Value]) -> [Value] {
    let fused = features[0].graph.scope("ffm") {
      let x = block(features[0].concat(with: features[1]), "convblk", fusionWidth, kernel: 1)
      let weights = x.globalAveragePool().conv("conv1", max(1, fusionWidth / 4), kernel: 1, bias: false).relu()
        .conv("conv2", fusionWidth, kernel: 1, bias: false).sigmoid()
      return x * weights + x
    }
    return [fused]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    logits(maps[0], "conv_out", fusionWidth, like: image)
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    [
      logits(features[1], "conv_out16", fusionWidth / 4, like: image),
      logits(features[2], "conv_out32", fusionWidth / 4, like: image),
    ]
  }

  private func logits(_ x: Value, _ name: String, _ width: Int, like image: Value) -> Value {
    x.graph.scope(name) {
      block(x, "conv", width, kernel: 3).conv("conv_out", classes, kernel: 1, bias: false)
        .resize(like: image, coordinates: .alignCorners, named: "upsample")
    }
  }

  /// The outputs of the context path, each after a 3×3 convolution. Second: the refined map of stride 32 plus the global
  /// mean, upsampled to stride 16. First: the refined map of stride 16 plus the second output, upsampled to stride 8.
  private func context(_ image: Value) -> [Value] {
    let maps = image.graph.scope("resnet") { backbone.features(of: image) }
    let (eighth, sixteenth, coarsest) = (maps[maps.count - 3], maps[maps.count - 2], maps[maps.count - 1])
    let mean = block(coarsest.globalAveragePool(), "conv_avg", pathWidth, kernel: 1)
    let deep = (refined(coarsest, "arm32") + mean)
      .upsampled(upsampling, "up32", channels: pathWidth, by: 2, like: sixteenth)
    let head32 = block(deep, "conv_head32", pathWidth, kernel: 3)
    let middle = (refined(sixteenth, "arm16") + head32)
      .upsampled(upsampling, "up16", channels: pathWidth, by: 2, like: eighth)
    return [block(middle, "conv_head16", pathWidth, kernel: 3), head32]
  }

  /// Attention refinement: a convolution whose channels are weighted by attention from their means.
  private func refined(_ x: Value, _ name: String) -> Value {
    x.graph.scope(name) {
      let y = block(x, "conv", pathWidth, kernel: 3)
      return y
        * y.globalAveragePool().conv("conv_atten", pathWidth, kernel: 1, bias: false).batchNorm("bn_atten").sigmoid()
    }
  }

  private func block(_ x: Value, _ name: String, _ width: Int, kernel: Extent2D, stride: Extent2D = 1) -> Value {
    x.convolved("\(name).conv", "\(name).bn", width, kernel: kernel, stride: stride)
  }
}
