import SegEngine
import SegIO

/// The best and the worst images of an evaluation.
struct EvaluationGallery {
  /// The maximum number of best images, and of worst images.
  static let size = 4

  private let style: GalleryEntry.Style
  private var count = 0
  /// The best images so far in descending order, and the worst in ascending order. They may have entries in common.
  private var highest: [GalleryEntry] = []
  private var lowest: [GalleryEntry] = []

  /// Makes an empty gallery.
  init(_ style: GalleryEntry.Style) { self.style = style }

  /// The best images, in descending order. Of few images the better half is shown.
  var best: [GalleryEntry] { Array(highest.prefix(min(Self.size, (count + 1) / 2))) }

  /// The worst images in ascending order, without those of ``best``.
  var worst: [GalleryEntry] {
    let shown = Set(best.map(\.number))
    return lowest.filter { !shown.contains($0.number) }
  }

  /// Adds an image if it is among the best or the worst so far.
  mutating func add(
    _ name: String, score: Double, _ item: EvaluationSource.Item, photo: @autoclosure () throws -> Image?
  ) throws {
    let number = count
    count += 1
    let isHigh = highest.count < Self.size || score > highest[highest.count - 1].score
    let isLow = lowest.count < Self.size || score < lowest[lowest.count - 1].score
    guard isHigh || isLow else { return }
    let entry = try GalleryEntry(number, name, score: score, item, photo: photo(), style)
    if isHigh {
      highest.insert(entry, at: highest.firstIndex { $0.score < score } ?? highest.count)
      highest = Array(highest.prefix(Self.size))
    }
    if isLow {
      lowest.insert(entry, at: lowest.firstIndex { $0.score > score } ?? lowest.count)
      lowest = Array(lowest.prefix(Self.size))
    }
  }
}
