import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How a large image is split into overlapping tiles.
public struct Tiling: Hashable, Sendable {
  /// How pixels in several tiles are combined.
  public enum Blending: String, Hashable, Sendable, CaseIterable {
    /// The mean of the tiles' probabilities, weighted by a Gaussian around the centre of each tile whose deviation is
    /// an eighth of the tile's size along each axis (nnU-Net, Isensee et al. 2021).
    case gaussian
    /// Each pixel takes the label of the tile whose centre is nearer: the overlap is split in half. Labels equal those
    /// of the whole image if half of the overlap is at least the reach of the network and tile origins are multiples of
    /// its strides (``TileHalo``).
    case center
  }

  /// Height and width of a tile in pixels. Tiles at the right and bottom edge may be smaller.
  public var size: Extent2D
  /// The overlap of neighbouring tiles along each axis, in pixels.
  public var overlap: Extent2D
  /// How pixels in several tiles are combined.
  public var blending: Blending
  /// Tile origins are multiples of this number of pixels: the product of the network's strides, so that pooling windows
  /// lie as in the whole image.
  public var alignment: Int

  /// Creates a tiling.
  ///
  /// - Precondition: The overlap is not negative, the alignment is positive, and the tile size minus the overlap is at
  ///   least the alignment.
  public init(size: Extent2D, overlap: Extent2D = 128, blending: Blending = .gaussian, alignment: Int = 32) {
    precondition(
      alignment > 0 && overlap.height >= 0 && overlap.width >= 0,
      "the overlap \(overlap) must not be negative, the alignment \(alignment) must be positive")
    precondition(
      size.height - overlap.height >= alignment && size.width - overlap.width >= alignment,
      "tile size \(size) minus overlap \(overlap) must be at least the alignment \(alignment)")
    self.size = size
    self.overlap = overlap
    self.blending = blending
    self.alignment = alignment
  }

  /// The range of a tile along one axis (`shown`), and the part of it whose labels are taken from this tile if the
  /// overlap is split in half (`kept`).
  struct TileRange: Hashable, Sendable {
    let shown: Range<Int>
    let kept: Range<Int>
  }

  /// The tile ranges along an axis of `extent` pixels.
  func tileRanges(of extent: Int, size: Int, overlap: Int) -> [TileRange] {
    let step = (size - overlap) / alignment * alignment
    var shown: [Range<Int>] = []
    var start = 0
    while true {
      shown.append(start..<min(start + size, extent))
      if start + size >= extent { break }
      start += step
    }
    return shown.indices.map { index in
      let low = index == 0 ? 0 : (shown[index].lowerBound + shown[index - 1].upperBound) / 2
      let high = index + 1 == shown.count ? extent : (shown[index + 1].lowerBound + shown[index].upperBound) / 2
      return TileRange(shown: shown[index], kept: low..<high)
    }
  }

  /// The tile ranges of the rows and columns of an image.
  func rows(of height: Int) -> [TileRange] { tileRanges(of: height, size: size.height, overlap: overlap.height) }
  func columns(of width: Int) -> [TileRange] { tileRanges(of: width, size: size.width, overlap: overlap.width) }

  /// The Gaussian weights e^(−d² / 2σ²) along a tile axis, where d is the distance from the centre and σ an eighth of
  /// the extent. A lower bound of 1e-4 keeps pixels that lie in only one tile accurate.
  static func weights(_ extent: Int) -> [Float] {
    let (middle, deviation) = (Double(extent - 1) / 2, max(Double(extent) / 8, 1e-3))
    return (0..<extent).map { index in
      let distance = (Double(index) - middle) / deviation
      return max(Float(exp(-distance * distance / 2)), 1e-4)
    }
  }
}
