import SegEngine

/// BiSeNetV2 (Yu et al. 2021): a wide, shallow detail branch, a narrow, deep semantic branch, and guided aggregation of
/// both.
///
/// Layers and names follow the common PyTorch port. It differs from the figures of the paper: ReLU after the expanding
/// depthwise convolutions and after the aggregation, normalisation and ReLU in the last convolution of the context
/// embedding, nearest-neighbour upsampling of the semantic branch, and a head of 1024 channels.
public struct BiSeNetV2: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of classes.
  public var classes = 19
  /// Channels of the detail branch at strides 2, 4 and 8.
  public var detailWidths = [64, 64, 128]
  /// Channels of the semantic branch at strides 4, 8, 16 and 32. The last must equal the last of ``detailWidths``.
  public var semanticWidths = [16, 32, 64, 128]
  /// The expansion factor of gather-and-expansion layers.
  public var expansion = 6
  /// Channels of the head.
  public var headWidth = 1024
  /// Channels of the auxiliary heads.
  public var auxiliaryWidth = 128
  /// The upsampling of the semantic branch in the aggregation. Methods with a choice of channels keep them; max
  /// unpooling is not supported.
  public var upsampling = Upsampling.nearest

  /// Creates the network of the paper, for Cityscapes.
  public init() {}

  public var title: String { "BiSeNetV2" }

  public var features: [Feature] {
    [
      Feature("segment.S1S2", channels: semanticWidths[0], stride: 4),
      Feature("detail", channels: detailWidths[2], stride: 8),
      Feature("segment.S3", channels: semanticWidths[1], stride: 8),
      Feature("segment.S4", channels: semanticWidths[2], stride: 16),
      Feature("segment.S5_4", channels: semanticWidths[3], stride: 32),
      Feature("segment.S5_5", channels: semanticWidths[3], stride: 32),
    ]
  }

  public var auxiliaryOutputs: [String] { ["aux2", "aux3", "aux4", "aux5_4"] }

  public var checkpoints: CheckpointMapping {
    CheckpointMapping(
      auxiliary: auxiliaryOutputs.map { "\($0)." },
      head: ["head.conv_out.1."] + auxiliaryOutputs.map { "\($0).conv_out.1." })
  }

  public func encoder(_ image: Value) -> [Value] {
    precondition(
      detailWidths.count == 3 && semanticWidths.count == 4 && detailWidths[2] == semanticWidths[3],
      "both branches must end with the same width: \(detailWidths), \(semanticWidths)")
    let detail = image.graph.scope("detail") { self.detail(image) }
    let (stages, context) = image.graph.scope("segment") { semantic(image) }
    return [stages[0], detail] + stages.dropFirst() + [context]
  }

  public func decoder(_ features: [Value]) -> [Value] {
    [features[0].graph.scope("bga") { aggregated(features[1], features[5]) }]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    block(maps[0], "head.conv", headWidth, kernel: 3).dropout("head.drop", rate: 0.1)
      .conv("head.conv_out.1", classes, kernel: 1)
      .resize(like: image, named: "head.conv_out.2")
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    zip(auxiliaryOutputs, [0, 2, 3, 4]).enumerated().map { index, place in
      // The convolution before the classes has the squared upsampling factor as channels.
      let factor = 4 << index
      return image.graph.scope(place.0) {
        let x = block(features[place.1], "conv", auxiliaryWidth, kernel: 3).dropout("drop", rate: 0.1)
          .resize(by: 2, .nearest, named: "conv_out.0.0")
        return block(x, "conv_out.0.1", factor * factor, kernel: 3).conv("conv_out.1", classes, kernel: 1)
          .resize(like: image, named: "conv_out.2")
      }
    }
  }

  /// Convolution without bias, normalisation, ReLU: `name.conv` and `name.bn`.
  private func block(_ x: Value, _ name: String, _ width: Int, kernel: Extent2D, stride: Int = 1) -> Value {
    x.conv("\(name).conv", width, kernel: kernel, stride: Extent2D(stride), bias: false).batchNorm("\(name).bn").relu()
  }

  /// Convolution without bias and normalisation, at indices `start` and `start + 1` of a sequence.
  private func step(
    _ x: Value, _ sequence: String, _ width: Int, kernel: Extent2D, stride: Int = 1, groups: Int = 1, at start: Int = 0
  ) -> Value {
    x.conv("\(sequence).\(start)", width, kernel: kernel, stride: Extent2D(stride), groups: groups, bias: false)
      .batchNorm("\(sequence).\(start + 1)")
  }

  private func detail(_ image: Value) -> Value {
    var x = image
    for (stage, count) in [2, 3, 3].enumerated() {
      for index in 0..<count {
        x = block(x, "S\(stage + 1).\(index)", detailWidths[stage], kernel: 3, stride: index == 0 ? 2 : 1)
      }
    }
    return x
  }

  private func semantic(_ image: Value) -> (stages: [Value], context: Value) {
    let graph = image.graph
    var stages = [graph.scope("S1S2") { stem(image) }]
    for (index, count) in [2, 2, 4].enumerated() {
      var x = stages[index]
      for layer in 0..<count {
        x = graph.scope("\(["S3", "S4", "S5_4"][index]).\(layer)") {
          gathered(x, semanticWidths[index + 1], halving: layer == 0)
        }
      }
      stages.append(x)
    }
    let context = graph.scope("S5_5") {
      let x = stages[3]
      let mean = block(x.globalAveragePool().batchNorm("bn"), "conv_gap", x.channels, kernel: 1)
      return block(mean + x, "conv_last", x.channels, kernel: 3)
    }
    return (stages, context)
  }

  /// The stem, with output stride 4: a convolution of stride 2, then convolutions and max pooling in parallel.
  private func stem(_ image: Value) -> Value {
    let width = semanticWidths[0]
    let x = block(image, "conv", width, kernel: 3, stride: 2)
    let left = block(block(x, "left.0", width / 2, kernel: 1), "left.1", width, kernel: 3, stride: 2)
    return block(
      left.concat(with: x.maxPool(kernel: 3, stride: 2, padding: 1, named: "right")), "fuse", width, kernel: 3)
  }

  /// Gather-and-expansion layer: 3×3 convolution, expanding depthwise convolutions, 1×1 projection, and a shortcut.
  private func gathered(_ x: Value, _ width: Int, halving: Bool) -> Value {
    let hidden = expansion * x.channels
    var y = block(x, "conv1", x.channels, kernel: 3)
    guard halving else {
      y = step(y, "dwconv", hidden, kernel: 3, groups: x.channels).relu()
      return (step(y, "conv2", width, kernel: 1) + x).relu()
    }
    y = step(y, "dwconv1", hidden, kernel: 3, stride: 2, groups: x.channels)
    y = step(y, "dwconv2", hidden, kernel: 3, groups: hidden).relu()
    let shortcut = step(
      step(x, "shortcut", x.channels, kernel: 3, stride: 2, groups: x.channels), "shortcut", width, kernel: 1, at: 2)
    return (step(y, "conv2", width, kernel: 1) + shortcut).relu()
  }

  /// Bilateral guided aggregation: each branch is weighted by the sigmoid of the other, at the size of the detail
  /// branch and at that of the semantic branch. Both results are summed at the size of the detail branch.
  private func aggregated(_ detail: Value, _ semantic: Value) -> Value {
    let width = detail.channels
    func separable(_ x: Value, _ name: String) -> Value {
      step(x, name, width, kernel: 3, groups: width).conv("\(name).2", width, kernel: 1, bias: false)
    }
    let small = step(detail, "left2", width, kernel: 3, stride: 2).averagePool(
      kernel: 3, stride: 2, padding: 1, named: "left2.2")
    func enlarged(_ x: Value, _ name: String) -> Value {
      x.upsampled(upsampling, name, channels: width, by: 4, like: detail)
    }
    let gate = enlarged(step(semantic, "right1", width, kernel: 3), "up1").sigmoid()
    let fine = separable(detail, "left1") * gate
    let coarse = small * separable(semantic, "right2").sigmoid()
    return step(fine + enlarged(coarse, "up2"), "conv", width, kernel: 3).relu()
  }
}
