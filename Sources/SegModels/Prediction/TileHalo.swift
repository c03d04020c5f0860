import SegEngine

/// The overlap and alignment of tiles for which tiled labels equal those of the whole image, derived from the network's
/// graph.
public struct TileHalo: Hashable, Sendable {
  /// The overlap of neighbouring tiles along each axis, in pixels: twice the reach of the network to one side of a
  /// pixel, because each tile decides half of the overlap.
  public let overlap: Extent2D
  /// The alignment of tile origins: the common multiple of the network's strides, in pixels.
  public let alignment: Int

  /// Computes the halo of a network with one image input, for images that are not resized by the preprocessing.
  ///
  /// `nil` if there is no finite halo: an operator reads the whole map (global pooling, attention), or the output does
  /// not have the input's resolution.
  ///
  /// - Parameters:
  ///   - graph: The network.
  ///   - output: The name of the output; by default the first output of the graph.
  /// - Throws: `GraphError` if the shape inference of the graph fails.
  public init?(_ graph: Graph, output: String? = nil) throws(GraphError) {
    let fields = try ReceptiveFields(graph)
    guard let name = output ?? graph.outputs.first?.name, let (rows, columns) = fields.reach(ofOutput: name),
      let period = fields.period
    else { return nil }
    func overlap(_ reach: ClosedRange<Int>) -> Int { 2 * max(0, -reach.lowerBound, reach.upperBound) }
    self.overlap = Extent2D(height: overlap(rows), width: overlap(columns))
    alignment = period
  }
}

extension Tiling {
  /// Tiles for which labels equal those of the whole image; `nil` if tile size minus overlap is less than the
  /// alignment.
  public init?(size: Extent2D, halo: TileHalo) {
    guard size.height - halo.overlap.height >= halo.alignment, size.width - halo.overlap.width >= halo.alignment else {
      return nil
    }
    self.init(size: size, overlap: halo.overlap, blending: .center, alignment: halo.alignment)
  }
}
