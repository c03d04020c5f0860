import ArgumentParser
import SegEngine
import SegModels

/// How images that are too large for one run are cut into tiles.
struct TileOptions: ParsableArguments {
  @Option(
    name: .customLong("tile"),
    help: ArgumentHelp(
      "Segment tiles of this height and width one by one, so that memory does not grow with the image.",
      valueName: "size"))
  var size: SizeArgument?

  @Option(help: "Pixels that neighbouring tiles share.")
  var overlap = 128

  @Option(
    help: """
      `gaussian` takes the mean of the tiles' probabilities, weighted towards their middle; `center` takes each label from the tile in \
      whose middle it lies.
      """)
  var blending = Tiling.Blending.gaussian

  @Option(help: "Tiles begin at multiples of this: the product of the network's strides.")
  var alignment = 32

  /// The tiles; `nil` where the image is to be segmented as a whole.
  var tiling: Tiling? {
    size.map { Tiling(size: $0.extent, overlap: Extent2D(overlap), blending: blending, alignment: alignment) }
  }

  func validate() throws {
    guard overlap >= 0, alignment > 0 else {
      throw ValidationError("an overlap is not negative, an alignment positive")
    }
    guard let size = size?.extent else { return }
    guard min(size.height, size.width) - overlap >= alignment else {
      throw ValidationError("tiles of \(size) pixels that share \(overlap) do not get on by \(alignment)")
    }
  }
}

extension Tiling.Blending: ExpressibleByArgument {}
