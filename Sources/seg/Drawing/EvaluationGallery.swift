import Foundation
import SegEngine
import SegIO

/// The best and the worst images of an evaluation, with pictures of the mask, the prediction and the errors.
struct EvaluationGallery {
  /// An image on the page.
  struct Entry {
    /// The number of the image, by which entries are identified.
    let number: Int
    let name: String
    let score: Double
    /// PNG files of the image overlaid with the mask, with the prediction, and with the wrong pixels.
    let truth, prediction, errors: [UInt8]
    /// The label that is not drawn over the photograph; `nil` if all are drawn.
    let undrawnLabel: UInt16?
    /// Whether the pictures have few pixels, so that they are viewed enlarged.
    let isSmall: Bool
    /// The number of pixels that count, and of those that are ignored.
    let pixelCount, ignoredCount: Int
    /// The labels that occur with their numbers of pixels in mask and prediction, the most frequent of the mask first.
    let labels: [(label: UInt16, truth: Int, prediction: Int)]
    /// The kinds of errors that occur, with their numbers of pixels.
    let errorCounts: [(kind: ErrorKind, count: Int)]
  }

  /// The maximum number of best images, and of worst images.
  static let size = 4
  /// The maximum width and height of a picture, in pixels. Larger pictures are reduced by an integer factor.
  static let largestExtent = 1600

  private let classes: ClassList
  private let opacity: Double
  private let ignoreLabel: UInt16?
  private var count = 0
  /// The best images so far in descending order, and the worst in ascending order. They may have entries in common.
  private var highest: [Entry] = []
  private var lowest: [Entry] = []

  /// Makes an empty gallery.
  ///
  /// - Parameters:
  ///   - classes: The colours. Labels that are the background are not drawn over photographs.
  ///   - opacity: The weight of the colours over photographs.
  ///   - ignoreLabel: The label of the mask's pixels that count for nothing.
  init(_ classes: ClassList, opacity: Double, ignoreLabel: UInt16?) {
    self.classes = classes
    self.opacity = opacity
    self.ignoreLabel = ignoreLabel
  }

  /// The best images, in descending order. Of few images the better half is shown.
  var best: [Entry] { Array(highest.prefix(min(Self.size, (count + 1) / 2))) }

  /// The worst images in ascending order, without those of ``best``.
  var worst: [Entry] {
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
    let entry = try entry(number, name, score, item, photo())
    if isHigh {
      highest.insert(entry, at: highest.firstIndex { $0.score < score } ?? highest.count)
      highest = Array(highest.prefix(Self.size))
    }
    if isLow {
      lowest.insert(entry, at: lowest.firstIndex { $0.score > score } ?? lowest.count)
      lowest = Array(lowest.prefix(Self.size))
    }
  }

  private func entry(
    _ number: Int, _ name: String, _ score: Double, _ item: EvaluationSource.Item, _ photo: Image?
  ) throws -> Entry {
    let (width, height) = (item.truth.width, item.truth.height)
    if let photo, photo.width != width || photo.height != height {
      throw Failure(
        .badInput, "\(name): the image has \(photo.width)×\(photo.height) pixels, the mask \(width)×\(height)")
    }
    // Without a photograph, all labels are drawn on dark grey, also the background.
    let blank = Image(
      width: width, height: height, layout: .grey, samples: .uint8(Array(repeating: 64, count: width * height)))
    let undrawnLabel = photo == nil ? nil : classes.background
    // Ignored pixels are not drawn either.
    let undrawn = LabelMap.unlabelled
    func picture(_ labels: LabelMap) throws -> [UInt8] {
      let shown = labels.labels.map { $0 == ignoreLabel || $0 == undrawnLabel ? undrawn : $0 }
      return try (photo ?? blank).overlaid(
        with: LabelMap(width: width, height: height, labels: shown), palette: classes.palette,
        opacity: photo == nil ? 1 : opacity, background: undrawn
      ).reduced(to: Self.largestExtent).pngBytes()
    }
    var (counts, errorCounts) = ([UInt16: (truth: Int, prediction: Int)](), [ErrorKind: Int]())
    var errors = LabelMap(width: width, height: height)
    var ignoredCount = 0
    for (pixel, (truth, prediction)) in zip(item.truth.labels, item.prediction.labels).enumerated() {
      if truth == ignoreLabel {
        ignoredCount += 1
        continue
      }
      counts[truth, default: (0, 0)].truth += 1
      counts[prediction, default: (0, 0)].prediction += 1
      if let kind = ErrorKind(truth: truth, prediction: prediction, background: classes.background) {
        errors.labels[pixel] = kind.rawValue
        errorCounts[kind, default: 0] += 1
      }
    }
    let drawnErrors = try (photo?.dimmedGrey ?? blank).overlaid(with: errors, palette: ErrorKind.palette, opacity: 0.75)
    return Entry(
      number: number, name: name, score: score, truth: try picture(item.truth),
      prediction: try picture(item.prediction), errors: try drawnErrors.reduced(to: Self.largestExtent).pngBytes(),
      undrawnLabel: undrawnLabel, isSmall: max(width, height) < 400, pixelCount: width * height - ignoredCount,
      ignoredCount: ignoredCount,
      labels: counts.map { ($0, $1.truth, $1.prediction) }.sorted {
        (-$0.truth, -$0.prediction, $0.label) < (-$1.truth, -$1.prediction, $1.label)
      },
      errorCounts: ErrorKind.allCases.compactMap { kind in errorCounts[kind].map { (kind, $0) } })
  }
}

extension Image {
  /// The image in dark grey, on which all colours of errors stand out: the mean of red, green and blue times 0.4.
  fileprivate var dimmedGrey: Image {
    let colors = rgb8()
    let grey = stride(from: 0, to: colors.count, by: 3).map { pixel -> UInt8 in
      let sum = colors[pixel..<pixel + 3].reduce(0) { $0 + Int($1) }
      return UInt8(sum * 2 / 15)
    }
    return Image(width: width, height: height, layout: .grey, samples: .uint8(grey))
  }

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
