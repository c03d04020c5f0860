import Foundation
import SegEngine
import SegIO

/// The best and the worst images of an evaluation, with pictures of the mask, the prediction and the errors.
struct EvaluationGallery {
  /// An image on the page.
  struct Entry {
    let name: String
    let score: Double
    /// PNG files of the image overlaid with the mask, with the prediction, and with the wrong pixels.
    let truth, prediction, errors: [UInt8]
  }

  /// The number of best images, and of worst images.
  static let size = 4
  /// The maximum width and height of a picture, in pixels.
  static let largestExtent = 480

  private let palette: Palette
  private let ignoreLabel: UInt16?
  /// The best images in descending order.
  private(set) var best: [Entry] = []
  /// The worst images in ascending order.
  private(set) var worst: [Entry] = []

  init(palette: Palette, ignoreLabel: UInt16?) {
    self.palette = palette
    self.ignoreLabel = ignoreLabel
  }

  /// Adds an image if it is among the best or the worst so far.
  mutating func add(
    _ name: String, score: Double, _ item: EvaluationSource.Item, photo: @autoclosure () throws -> Image?
  ) throws {
    let isBest = best.count < Self.size || score > best[best.count - 1].score
    let isWorst = worst.count < Self.size || score < worst[worst.count - 1].score
    guard isBest || isWorst else { return }
    let entry = try entry(name, score, item, photo())
    if isBest {
      best.insert(entry, at: best.firstIndex { $0.score < score } ?? best.count)
      best = Array(best.prefix(Self.size))
    }
    if isWorst {
      worst.insert(entry, at: worst.firstIndex { $0.score > score } ?? worst.count)
      worst = Array(worst.prefix(Self.size))
    }
  }

  private func entry(_ name: String, _ score: Double, _ item: EvaluationSource.Item, _ photo: Image?) throws -> Entry {
    let (width, height) = (item.truth.width, item.truth.height)
    if let photo, photo.width != width || photo.height != height {
      throw Failure(
        .badInput, "\(name): the image has \(photo.width)×\(photo.height) pixels, the mask \(width)×\(height)")
    }
    let black = Image(
      width: width, height: height, layout: .grey, samples: .uint8(Array(repeating: 0, count: width * height)))
    func picture(_ labels: LabelMap, _ palette: Palette) throws -> [UInt8] {
      // Without a photograph, all labels are drawn on black, including class 0.
      let drawn = try (photo ?? black).overlaid(
        with: labels, palette: palette, opacity: photo == nil ? 1 : 0.5, background: photo == nil ? nil : 0)
      return try drawn.reduced(to: Self.largestExtent).pngBytes()
    }
    // Ignored pixels are drawn as class 0 and are not errors.
    let shown = item.truth.labels.map { $0 == ignoreLabel ? 0 : $0 }
    let wrong = zip(item.truth.labels, item.prediction.labels).map { $0 != ignoreLabel && $0 != $1 ? UInt16(1) : 0 }
    return Entry(
      name: name, score: score, truth: try picture(LabelMap(width: width, height: height, labels: shown), palette),
      prediction: try picture(item.prediction, palette),
      errors: try picture(
        LabelMap(width: width, height: height, labels: wrong),
        Palette([Palette.Color(32, 32, 32), Palette.Color(255, 64, 64)])))
  }
}

extension Image {
  /// Returns an 8-bit RGB image whose width and height are at most `extent`. Each pixel is the mean of a square of this image's pixels.
  fileprivate func reduced(to extent: Int) -> Image {
    let factor = (max(width, height) + extent - 1) / extent
    guard factor > 1, case .uint8(let samples) = samples else { return self }
    let channels = layout.count
    let (reducedWidth, reducedHeight) = ((width + factor - 1) / factor, (height + factor - 1) / factor)
    var result: [UInt8] = []
    result.reserveCapacity(reducedWidth * reducedHeight * channels)
    for row in 0..<reducedHeight {
      let rows = row * factor..<min(height, (row + 1) * factor)
      for column in 0..<reducedWidth {
        let columns = column * factor..<min(width, (column + 1) * factor)
        for channel in 0..<channels {
          var sum = 0
          for y in rows { for x in columns { sum += Int(samples[(y * width + x) * channels + channel]) } }
          let count = rows.count * columns.count
          result.append(UInt8((sum + count / 2) / count))
        }
      }
    }
    return Image(width: reducedWidth, height: reducedHeight, layout: layout, samples: .uint8(result))
  }
}
