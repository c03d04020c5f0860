import SegEngine

/// What tiles have to share for their middles to be those of the whole image, by the network's graph.
public struct TileHalo: Hashable, Sendable {
  /// Pixels that neighbouring tiles have to share along each axis: twice what the network sees to one side of a pixel, since each tile
  /// decides half of them.
  public let overlap: Extent2D
  /// What the beginnings of tiles have to be multiples of: the common multiple of the network's strides.
  public let alignment: Int

  /// Finds the halo of a network of one image input, for images that are not resized on their way in.
  ///
  /// `nil` where there is none: an operator sees the whole map (global pooling, attention), or the output is not at the input's resolution.
  ///
  /// - Parameters:
  ///   - graph: The network.
  ///   - output: The output's name; by default the graph's first.
  /// - Throws: `GraphError` where the architecture cannot take its own shapes.
  public init?(_ graph: Graph, output: String? = nil) throws(GraphError) {
    let fields = try ReceptiveFields(graph)
    guard let name = output ?? graph.outputs.first?.name, let (rows, columns) = fields.reach(ofOutput: name),
      let period = fields.period
    else { return nil }
    func overlap(_ reach: ClosedRange<Int>) -> Int { 2 * max(0, -reach.lowerBound, reach.upperBound) }
    self.overlap = Extent2D(overlap(rows), overlap(columns))
    alignment = period
  }
}

extension Tiling {
  /// Tiles of a network whose labels are those of the whole image; `nil` where they would be no larger than what they share.
  public init?(size: Extent2D, halo: TileHalo) {
    guard size.height - halo.overlap.height >= halo.alignment, size.width - halo.overlap.width >= halo.alignment else {
      return nil
    }
    self.init(size: size, overlap: halo.overlap, blending: .center, alignment: halo.alignment)
  }
}
