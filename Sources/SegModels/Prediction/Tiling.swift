import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How an image that is too large for one run is cut into tiles that overlap.
public struct Tiling: Hashable, Sendable {
  /// What is made of the pixels that several tiles show.
  public enum Blending: String, Hashable, Sendable, CaseIterable {
    /// The mean of the tiles' probabilities, weighted by a Gaussian about the middle of each tile whose deviation is an eighth of its
    /// extent along each axis (nnU-Net, Isensee et al. 2021).
    case gaussian
    /// The label from the tile in whose middle it lies: the overlap is cut at half. Where half of the overlap is at least what the network
    /// sees to one side of a pixel, and tiles begin where its strides do, labels are those of the whole image (``TileHalo``).
    case center
  }

  /// Height and width of a tile in pixels of the image; those at the right and bottom edge may be smaller.
  public var size: Extent2D
  /// Pixels that neighbouring tiles share along each axis.
  public var overlap: Extent2D
  /// What is made of the pixels that several tiles show.
  public var blending: Blending
  /// Tiles begin at multiples of this: the product of the network's strides, so that pixels are pooled with the same neighbours as in the
  /// whole image.
  public var alignment: Int

  /// Describes tiles.
  ///
  /// - Precondition: sizes are positive, and tiles beyond their overlap are at least as large as the alignment.
  public init(size: Extent2D, overlap: Extent2D = 128, blending: Blending = .gaussian, alignment: Int = 32) {
    precondition(
      alignment > 0 && overlap.height >= 0 && overlap.width >= 0, "overlap \(overlap), alignment \(alignment)")
    precondition(
      size.height - overlap.height >= alignment && size.width - overlap.width >= alignment,
      "tiles of \(size) pixels that share \(overlap) do not get on by \(alignment)")
    self.size = size
    self.overlap = overlap
    self.blending = blending
    self.alignment = alignment
  }

  /// A stretch of one axis that a tile shows, and the part of it whose labels are taken from this tile where the overlap is cut at half.
  struct Stretch: Hashable, Sendable {
    let shown: Range<Int>
    let kept: Range<Int>
  }

  /// The stretches of an axis of `extent` pixels.
  func stretches(of extent: Int, size: Int, overlap: Int) -> [Stretch] {
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
      return Stretch(shown: shown[index], kept: low..<high)
    }
  }

  /// The stretches of rows of an image, and of its columns.
  func rows(of height: Int) -> [Stretch] { stretches(of: height, size: size.height, overlap: overlap.height) }
  func columns(of width: Int) -> [Stretch] { stretches(of: width, size: size.width, overlap: overlap.width) }

  /// e^(−d² / 2σ²) of each pixel of a tile's axis, d its distance from the middle and σ an eighth of the extent, and never so little that
  /// a pixel which one tile alone shows would be lost to rounding.
  static func weights(_ extent: Int) -> [Float] {
    let (middle, deviation) = (Double(extent - 1) / 2, max(Double(extent) / 8, 1e-3))
    return (0..<extent).map { index in
      let distance = (Double(index) - middle) / deviation
      return max(Float(exp(-distance * distance / 2)), 1e-4)
    }
  }
}
