import ArgumentParser
import SegEngine
import SegModels

/// The division of large images into tiles.
struct TileOptions: ParsableArguments {
  @Option(
    name: .customLong("tile"),
    help: ArgumentHelp(
      "Segment tiles of this height and width one by one, so that memory does not grow with the image.",
      valueName: "size"))
  var size: SizeArgument?

  @Option(
    help: """
      Pixels that neighbouring tiles share: by default 128, and with --blending center what the network's receptive field asks for.
      """)
  var overlap: Int?

  @Option(
    help: """
      `gaussian` takes the mean of the tiles' probabilities, weighted towards their middle; `center` takes each label from the tile in \
      whose middle it lies, and without --overlap gives the labels of the whole image.
      """)
  var blending = Tiling.Blending.gaussian

  @Option(
    help:
      "Tiles begin at multiples of this: by default 32, or with --blending center the product of the network's strides."
  )
  var alignment: Int?

  /// Returns the tiling; `nil` if the image is segmented as a whole. `graph` makes the network's graph for a size.
  func tiling(_ graph: (SizeArgument) throws -> Graph) throws -> Tiling? {
    guard let size else { return nil }
    if blending == .center, overlap == nil {
      guard let halo = try TileHalo(try graph(size)) else {
        throw Failure(
          .usage, "the network sees the whole image, or none at its own resolution: --blending center needs --overlap")
      }
      guard let tiling = Tiling(size: size.extent, halo: halo) else {
        throw Failure(
          .usage,
          "--tile \(size.extent): the network's tiles share \(halo.overlap) pixels and begin at multiples of \(halo.alignment)"
        )
      }
      return tiling
    }
    return Tiling(
      size: size.extent, overlap: Extent2D(overlap ?? Self.usualOverlap), blending: blending,
      alignment: alignment ?? Self.usualAlignment)
  }

  private static let usualOverlap = 128
  private static let usualAlignment = 32

  func validate() throws {
    let (overlap, alignment) = (overlap ?? Self.usualOverlap, alignment ?? Self.usualAlignment)
    guard overlap >= 0, alignment > 0 else {
      throw ValidationError("an overlap is not negative, an alignment positive")
    }
    guard let size = size?.extent, blending != .center || self.overlap != nil else { return }
    guard min(size.height, size.width) - overlap >= alignment else {
      throw ValidationError(
        "tile size minus overlap must be at least the alignment: \(size) − \(overlap) < \(alignment)")
    }
  }
}

extension Tiling.Blending: ExpressibleByArgument {}
