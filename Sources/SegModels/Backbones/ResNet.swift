import SegEngine

/// Residual networks (He, Zhang, Ren and Sun 2016): a 7×7 convolution, max pooling, and four stages of residual blocks.
///
/// As in torchvision, and unlike the paper, the stride of a bottleneck is in the 3×3 convolution and not in the first
/// 1×1 convolution. ``Keys/caffe`` follows the paper.
public struct ResNet: Backbone, Hashable {
  /// The kind of residual block.
  public enum Block: Hashable, Sendable {
    /// Two 3×3 convolutions.
    case basic
    /// 1×1, 3×3 and 1×1 convolution, the last with four times the channels.
    case bottleneck

    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// Where dilation starts in a stage whose stride is replaced by a dilation.
  public enum DilationStart: Hashable, Sendable {
    /// After the first block, which keeps the dilation of the previous stage (torchvision). Each convolution then reads
    /// the same pixels as with strides.
    case afterFirstBlock
    /// At the first block (DeepLab, segmentation-models-pytorch).
    case withFirstBlock
  }

  /// The naming scheme of the parameters.
  public enum Keys: Hashable, Sendable {
    /// `conv1`, `bn1`, `layer1.0.conv1`, `layer1.0.bn1`, `layer1.0.downsample.0`: torchvision and timm.
    case torchvision
    /// `layer1.conv1.conv`, `layer1.conv1.bn`, `layer2.block1.reduce.conv`, `conv3x3`, `increase`, `shortcut`: the
    /// common PyTorch port of DeepLab v2. As in the Caffe network, the stride is in the first 1×1 convolution, and max
    /// pooling rounds sizes up.
    case caffe
  }

  /// Channels of the input image.
  public var inputChannels = 3
  /// The kind of residual block.
  public var block: Block
  /// The number of blocks in each of the four stages.
  public var blocks: [Int]
  /// Channels of the first stage before expansion; each further stage doubles them.
  public var width = 64
  /// The output stride: 32, or 16 or 8, where the last one or two stages are dilated instead of strided.
  public var outputStride = 32
  /// Where dilation starts in a stage.
  public var dilationStart = DilationStart.afterFirstBlock
  /// Factors of the dilation of the last stage's blocks, repeated cyclically, such as `[1, 2, 4]` (DeepLab v3's
  /// multi-grid).
  public var multiGrid = [1]
  /// The number of feature maps to compute.
  public var depth = 5
  /// The naming scheme of the parameters.
  public var keys = Keys.torchvision

  /// Creates a network with given blocks.
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

  /// The same network with another output stride.
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
    precondition([8, 16, 32].contains(outputStride), "the output stride must be 8, 16 or 32, not \(outputStride)")
    precondition((1...1 + blocks.count).contains(depth), "the depth must be 1 to \(1 + blocks.count), not \(depth)")
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

  /// A residual block x + F(x), where F has `width` channels; the shortcut is a 1×1 convolution if it `projects`.
  private func residualBlock(_ x: Value, _ width: Int, stride: Int, rate: Int, projects: Bool) -> Value {
    /// The names of a convolution and its normalisation.
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
