import SegEngine

/// Fast-SCNN (Poudel, Liwicki and Cipolla 2019): three convolutions of stride 2 shared by two branches, a deep branch
/// of inverted residual bottlenecks with pyramid pooling at stride 32, and a shallow branch without further layers.
/// Both are summed.
///
/// Layers and names follow the common PyTorch port. Differences from the paper: the first convolution is not padded, so
/// maps are one pixel smaller; the depthwise convolutions keep their activation; upsampling aligns corners. The port
/// upsamples the deep branch by 4 and therefore supports only certain sizes. Here it is upsampled to the size of the
/// shallow branch, which is the same for the sizes that the port supports.
public struct FastSCNN: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of classes.
  public var classes = 19
  /// Channels of the three downsampling convolutions.
  public var stemWidths = [32, 48, 64]
  /// Channels of the three groups of bottlenecks.
  public var bottleneckWidths = [64, 96, 128]
  /// The number of bottlenecks in each group.
  public var repeats = [3, 3, 3]
  /// The expansion factor of the bottlenecks.
  public var expansion = 6
  /// Channels after pyramid pooling, and of the fusion.
  public var width = 128
  /// The upsampling of the deep branch. Methods with a choice of channels keep them; max unpooling is not supported.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)

  /// Creates the network of the paper, for Cityscapes.
  public init() {}

  public var title: String { "Fast-SCNN" }

  public var features: [Feature] {
    [
      Feature("learning_to_downsample", channels: stemWidths[2], stride: 8),
      Feature("global_feature_extractor", channels: width, stride: 32),
    ]
  }

  public var auxiliaryOutputs: [String] { ["auxiliary"] }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(auxiliary: ["auxlayer."], head: ["classifier.conv.1.", "auxlayer.4."])
  }

  public func encoder(_ image: Value) -> [Value] {
    let g = image.graph
    let fine = g.scope("learning_to_downsample") {
      let x = convolution(image, "conv.conv", stemWidths[0], kernel: 3, stride: 2, padding: 0)
      return separable(separable(x, "dsconv1", stemWidths[1], stride: 2), "dsconv2", stemWidths[2], stride: 2)
    }
    let coarse = g.scope("global_feature_extractor") {
      var x = fine
      for group in bottleneckWidths.indices {
        for index in 0..<repeats[group] {
          let stride = index == 0 && group < bottleneckWidths.count - 1 ? 2 : 1
          x = g.scope("bottleneck\(group + 1).\(index).block") {
            bottleneck(x, bottleneckWidths[group], stride: stride)
          }
        }
      }
      return g.scope("ppm") { pooled(x) }
    }
    return [fine, coarse]
  }

  public func decoder(_ features: [Value]) -> [Value] {
    let g = features[0].graph
    let fused = g.scope("feature_fusion") { self.fused(features[0], features[1]) }
    return [g.scope("classifier") { separable(separable(fused, "dsconv1", width), "dsconv2", width) }]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    enlarged(
      maps[0].dropout("classifier.conv.0", rate: 0.1).conv("classifier.conv.1", classes, kernel: 1), like: image,
      "upsample")
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    let logits = image.graph.scope("auxlayer") {
      features[0].conv("0", max(1, stemWidths[2] / 2), kernel: 3, bias: false).batchNorm("1").relu()
        .dropout("3", rate: 0.1).conv("4", classes, kernel: 1)
    }
    return [enlarged(logits, like: image, "auxlayer.upsample")]
  }

  private func enlarged(_ x: Value, like other: Value, _ name: String) -> Value {
    x.resize(like: other, coordinates: .alignCorners, named: name)
  }

  /// Convolution, normalisation and ReLU, at indices `start` and `start + 1` of a sequence.
  private func convolution(
    _ x: Value, _ sequence: String, _ width: Int, kernel: Extent2D, stride: Int = 1, padding: Padding2D? = nil,
    groups: Int = 1, at start: Int = 0
  ) -> Value {
    x.conv(
      "\(sequence).\(start)", width, kernel: kernel, stride: Extent2D(stride), padding: padding, groups: groups,
      bias: false
    ).batchNorm("\(sequence).\(start + 1)").relu()
  }

  private func separable(_ x: Value, _ name: String, _ width: Int, stride: Int = 1) -> Value {
    let depthwise = convolution(x, "\(name).conv", x.channels, kernel: 3, stride: stride, groups: x.channels)
    return convolution(depthwise, "\(name).conv", width, kernel: 1, at: 3)
  }

  /// The inverted residual block of MobileNetV2.
  private func bottleneck(_ x: Value, _ width: Int, stride: Int) -> Value {
    let hidden = expansion * x.channels
    var y = convolution(x, "0.conv", hidden, kernel: 1)
    y = convolution(y, "1.conv", hidden, kernel: 3, stride: stride, groups: hidden)
    y = y.conv("2", width, kernel: 1, bias: false).batchNorm("3")
    return stride == 1 && width == x.channels ? x + y : y
  }

  /// Pyramid pooling: means over grids of 1, 2, 3 and 6 cells, each with a quarter of the channels, concatenated with
  /// the map itself.
  private func pooled(_ x: Value) -> Value {
    let parts = [1, 2, 3, 6].enumerated().map { index, cells in
      enlarged(
        convolution(
          x.adaptiveAveragePool(to: Extent2D(cells), named: "pool\(index + 1)"), "conv\(index + 1).conv",
          x.channels / 4,
          kernel: 1), like: x, "upsample\(index + 1)")
    }
    return convolution(([x] + parts).concatenated(), "out.conv", width, kernel: 1)
  }

  private func fused(_ fine: Value, _ coarse: Value) -> Value {
    let enlarged = coarse.upsampled(upsampling, "upsample", channels: width, by: 4, like: fine)
    let low = convolution(enlarged, "dwconv.conv", width, kernel: 3, groups: coarse.channels)
      .conv("conv_lower_res.0", width, kernel: 1).batchNorm("conv_lower_res.1")
    return (fine.conv("conv_higher_res.0", width, kernel: 1).batchNorm("conv_higher_res.1") + low).relu()
  }
}
