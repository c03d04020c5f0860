import SegEngine

/// Residual networks (He, Zhang, Ren and Sun 2016): a 7×7 convolution, a pooling, and four stages of residual blocks.
///
/// As in torchvision (and unlike the paper) the 3×3 convolution of a bottleneck has the stride, not the first 1×1;
/// ``Keys/caffe`` has it where the paper has.
public struct ResNet: Backbone, Hashable {
  /// What stages are made of.
  public enum Block: Hashable, Sendable {
    /// Two 3×3 convolutions.
    case basic
    /// 1×1, 3×3 and 1×1 convolution, the last to four times the width.
    case bottleneck

    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// Where the rate of a stage begins whose stride became a dilation.
  public enum DilationStart: Hashable, Sendable {
    /// After its first block, which keeps the rate of the stage before (torchvision): each convolution sees the pixels that it saw
    /// with strides.
    case afterFirstBlock
    /// With its first block (DeepLab, segmentation-models-pytorch).
    case withFirstBlock
  }

  /// Whose names the parameters have.
  public enum Keys: Hashable, Sendable {
    /// `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.bn1`, `layer1.0.downsample.0`: torchvision and timm.
    case torchvision
    /// `layer1.conv1.conv`, `layer1.conv1.bn`, `layer2.block1.reduce.conv`, `conv3x3`, `increase`, `shortcut`: the common
    /// PyTorch port of DeepLab v2. It follows the Caffe network: the first 1×1 convolution has the stride, and the pooling rounds
    /// sizes up.
    case caffe
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// What stages are made of.
  public var block: Block
  /// Blocks of each of the four stages.
  public var blocks: [Int]
  /// Channels of the first stage before expansion; each stage doubles them.
  public var width = 64
  /// Pixels of the image to one of the last map: 32, or 16 or 8, where the last one or two stages are dilated instead of strided.
  public var outputStride = 32
  /// Where dilation begins in a stage.
  public var dilationStart = DilationStart.afterFirstBlock
  /// Factors of the rates of the last stage's blocks, cyclic, such as `[1, 2, 4]` (DeepLab v3's multi-grid).
  public var multiGrid = [1]
  /// How many feature maps are computed.
  public var depth = 5
  /// Whose names the parameters have.
  public var keys = Keys.torchvision

  /// A network of given blocks.
  public init(_ block: Block, blocks: [Int]) {
    self.block = block
    self.blocks = blocks
  }

  /// ResNet-18.
  public static var resNet18: ResNet { ResNet(.basic, blocks: [2, 2, 2, 2]) }
  /// ResNet-34.
  public static var resNet34: ResNet { ResNet(.basic, blocks: [3, 4, 6, 3]) }
  /// ResNet-50.
  public static var resNet50: ResNet { ResNet(.bottleneck, blocks: [3, 4, 6, 3]) }
  /// ResNet-101.
  public static var resNet101: ResNet { ResNet(.bottleneck, blocks: [3, 4, 23, 3]) }

  /// The same network with another stride of the last map.
  public func dilated(outputStride: Int, _ start: DilationStart = .afterFirstBlock, multiGrid: [Int] = [1]) -> ResNet {
    var network = self
    network.outputStride = outputStride
    network.dilationStart = start
    network.multiGrid = multiGrid
    return network
  }

  public var title: String {
    let layers = blocks.reduce(0, +) * (block == .basic ? 2 : 3) + 2
    return "ResNet-\(layers)" + (outputStride == 32 ? "" : " of stride \(outputStride)")
  }

  public var features: [Feature] {
    let stages = blocks.indices.map { stage in
      Feature(
        "layer\(stage + 1)", channels: (width << stage) * block.expansion, stride: min(4 << stage, outputStride))
    }
    return Array(([Feature("conv1", channels: width, stride: 2)] + stages).prefix(depth))
  }

  public func features(of image: Value) -> [Value] {
    precondition([8, 16, 32].contains(outputStride), "an output stride is 8, 16 or 32, not \(outputStride)")
    precondition((1...1 + blocks.count).contains(depth), "there are \(1 + blocks.count) feature maps, not \(depth)")
    let stem = keys == .torchvision ? ("conv1", "bn1") : ("layer1.conv1.conv", "layer1.conv1.bn")
    var x = image.convolved(stem.0, stem.1, width, kernel: 7, stride: 2)
    var maps = [x]
    guard depth > 1 else { return maps }
    x = x.maxPool(kernel: 3, stride: 2, padding: 1, roundingUp: keys == .caffe)
    var stride = 4
    var rate = 1
    for stage in 0..<depth - 1 {
      var firstRate = rate
      var firstStride = stage == 0 ? 1 : 2
      if stride * firstStride > outputStride {
        rate *= firstStride
        firstStride = 1
        if dilationStart == .withFirstBlock { firstRate = rate }
      }
      stride *= firstStride
      x = x.graph.scope(keys == .torchvision ? "layer\(stage + 1)" : "layer\(stage + 2)") {
        for index in 0..<blocks[stage] {
          let factor = stage == blocks.count - 1 ? multiGrid[index % multiGrid.count] : 1
          x = x.graph.scope(keys == .torchvision ? "\(index)" : "block\(index + 1)") {
            residualBlock(
              x, width << stage, stride: index == 0 ? firstStride : 1, rate: (index == 0 ? firstRate : rate) * factor,
              projects: index == 0 && (stage > 0 || block == .bottleneck))
          }
        }
        return x
      }
      maps.append(x)
    }
    return maps
  }

  public func classifier(_ features: [Value], classes: Int) -> Value {
    let last = features[features.count - 1]
    return last.globalAveragePool().reshape([0, last.channels]).linear("fc", classes)
  }

  /// x + F(x), where F has `width` channels, the shortcut a 1×1 convolution where it `projects`.
  private func residualBlock(_ x: Value, _ width: Int, stride: Int, rate: Int, projects: Bool) -> Value {
    /// The names of a convolution and of its normalisation.
    func names(_ index: Int) -> (String, String) {
      switch keys {
      case .torchvision: return index == 0 ? ("downsample.0", "downsample.1") : ("conv\(index)", "bn\(index)")
      case .caffe:
        let name = ["shortcut", "reduce", "conv3x3", "increase"][index]
        return ("\(name).conv", "\(name).bn")
      }
    }
    func layer(
      _ x: Value, _ index: Int, _ width: Int, kernel: Int, stride: Int = 1, rate: Int = 1, activated: Bool = true
    ) -> Value {
      x.convolved(
        names(index).0, names(index).1, width, kernel: Extent2D(kernel), stride: Extent2D(stride),
        dilation: Extent2D(rate), .batch, activated ? .relu : nil)
    }
    let shortcut =
      projects ? layer(x, 0, width * block.expansion, kernel: 1, stride: stride, activated: false) : x
    let y: Value
    switch block {
    case .basic:
      let first = layer(x, 1, width, kernel: 3, stride: stride, rate: rate)
      y = layer(first, 2, width, kernel: 3, rate: rate, activated: false)
    case .bottleneck:
      let stridesFirst = keys == .caffe
      let reduced = layer(x, 1, width, kernel: 1, stride: stridesFirst ? stride : 1)
      let seen = layer(reduced, 2, width, kernel: 3, stride: stridesFirst ? 1 : stride, rate: rate)
      y = layer(seen, 3, width * 4, kernel: 1, activated: false)
    }
    return (y + shortcut).relu()
  }
}
