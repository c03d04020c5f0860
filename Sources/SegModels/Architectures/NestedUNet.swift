import SegEngine

/// U-Net++ (Zhou et al. 2018): nodes X(i, j) between encoder and decoder. The inputs of a node are all earlier nodes of
/// its level i and the upsampled node X(i+1, j−1). The outermost diagonal is U-Net's decoder.
///
/// Layers and names follow the common nested-unet port: bilinear upsampling with aligned corners, convolutions with
/// bias, and batch normalisation (the paper: transposed convolutions and no normalisation). With deep supervision, each
/// of the nodes X(0, 1) to X(0, L) has a head, and the network can be pruned to any of them.
public struct NestedUNet: SegmentationNetwork, Hashable {
  /// Channels of the input image.
  public var inputChannels = 3
  /// The number of classes.
  public var classes = 1
  /// Channels of each level, the finest first.
  public var widths = [32, 64, 128, 256, 512]
  /// The upsampling between nodes. Methods with a choice of channels use those of the level.
  public var upsampling = Upsampling.bilinear(aligningCorners: true)
  /// Whether each node of the finest level has a head, `final1` to `final4`. Otherwise only the last node has one,
  /// `final`.
  public var isDeeplySupervised = false
  /// The level of the node X(0, level) whose head gives the logits, 1 to the number of halvings; `nil` for the whole
  /// network. Weights of nodes that are not needed may be missing.
  public var prunedLevel: Int?

  /// Creates the network with the widths of the paper.
  public init() {}

  public var title: String { "U-Net++" }

  private var halvings: Int { widths.count - 1 }

  /// The column j of the node that gives the logits.
  private var last: Int { prunedLevel ?? halvings }

  public var features: [Feature] {
    widths[0...last].enumerated().map { Feature("conv\($0)_0", channels: $1, stride: 1 << $0) }
  }

  /// The heads of the nodes before the last one.
  public var auxiliaryOutputs: [String] { isDeeplySupervised ? (1..<last).map { "logits\($0)" } : [] }

  public var checkpoints: CheckpointMapping {
    let heads = isDeeplySupervised ? (1...halvings).map { "final\($0)." } : ["final."]
    let pruned = (0...halvings).flatMap { row in
      (0...halvings - row).filter { row + $0 > last }.map { "conv\(row)_\($0)." }
    }
    return CheckpointMapping(
      auxiliary: isDeeplySupervised ? Array(heads[..<(last - 1)]) : [], head: heads,
      unused: pruned + (isDeeplySupervised ? heads[last...] : []))
  }

  /// The first node of each level, followed by the pooling indices if the decoder unpools.
  public func encoder(_ image: Value) -> [Value] {
    precondition(halvings >= 1 && (1...halvings).contains(last), "prunedLevel must be 1 to \(halvings), not \(last)")
    precondition(prunedLevel == nil || isDeeplySupervised, "prunedLevel needs deep supervision")
    var maps = [node(image, 0, 0)]
    var places: [Value] = []
    for level in 1...last {
      var pooled: Value
      if upsampling == .maxUnpooling {
        let both = maps[level - 1].maxPoolWithIndices(kernel: 2, named: "pool\(level)")
        pooled = both.values
        places.append(both.indices)
      } else {
        pooled = maps[level - 1].maxPool(kernel: 2, named: "pool\(level)")
      }
      maps.append(node(pooled, level, 0))
    }
    return maps + places
  }

  /// The last node of the finest level, followed by the earlier ones in order.
  public func decoder(_ features: [Value]) -> [Value] {
    var nodes = features[0...last].map { [$0] }
    for column in 1...last {
      for row in 0...last - column {
        let skipped = features[row]
        let name = "up\(row)_\(column)"
        let below = nodes[row + 1][column - 1].upsampled(
          upsampling, name, channels: widths[row],
          pooling: upsampling == .maxUnpooling ? (features[last + 1 + row], skipped) : nil
        ).pad(like: skipped, named: "\(name).pad")
        nodes[row].append(node((nodes[row] + [below]).concatenated(named: "concat\(row)_\(column)"), row, column))
      }
    }
    return [nodes[0][last]] + nodes[0][1..<last]
  }

  public func head(_ maps: [Value], like image: Value) -> Value {
    maps[0].conv(isDeeplySupervised ? "final\(last)" : "final", classes, kernel: 1)
  }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] {
    auxiliaryOutputs.indices.map { maps[$0 + 1].conv("final\($0 + 1)", classes, kernel: 1) }
  }

  private func node(_ x: Value, _ row: Int, _ column: Int) -> Value {
    x.graph.scope("conv\(row)_\(column)") {
      x.conv("conv1", widths[row], kernel: 3).batchNorm("bn1").relu()
        .conv("conv2", widths[row], kernel: 3).batchNorm("bn2").relu()
    }
  }
}
