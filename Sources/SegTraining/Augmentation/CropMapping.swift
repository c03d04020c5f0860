import Foundation
import SegEngine

/// Where each pixel of a crop lies in the image.
struct CropMapping {
  /// The side of the crop in pixels.
  private let size: Int
  /// The middle of the crop in the image, in pixels from its top left corner.
  private let center: (row: Double, column: Double)
  /// The position in the image, relative to the middle, is matrix · position in the crop.
  private let matrix: (Double, Double, Double, Double)
  private let displacement: ElasticDisplacement?

  /// Draws the geometry of a crop.
  ///
  /// - Parameters:
  ///   - size: The side of the crop in pixels.
  ///   - image: The size of the image.
  ///   - focus: A pixel that the crop should show, near its middle; `nil` for any place.
  init(
    _ augmentation: Augmentation, size: Int, of image: Extent2D, around focus: (row: Int, column: Int)?,
    using generator: inout SeededGenerator
  ) {
    func happens(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < probability }
    self.size = size
    let (flipsColumns, flipsRows) = (happens(augmentation.horizontalFlip), happens(augmentation.verticalFlip))
    let turns = happens(augmentation.quarterTurn) ? Int.random(in: 1...3, using: &generator) : 0
    var factor = 1.0
    if let scaling = augmentation.scaling, happens(scaling.probability) {
      factor = scaling.factors.randomElement(using: &generator) ?? 1
    }
    var angle = 0.0
    if let rotation = augmentation.rotation, happens(rotation.probability) {
      angle = Double.random(in: -1...1, using: &generator) * rotation.degrees * .pi / 180
    }
    if let elastic = augmentation.elastic, happens(elastic.probability) {
      displacement = ElasticDisplacement(elastic, size: size, using: &generator)
    } else {
      displacement = nil
    }
    // The window of the image that the crop shows. A larger window lies anywhere around the image.
    let window = max(1, Int((Double(size) / factor).rounded()))
    func place(_ extent: Int, _ focus: Int?) -> Double {
      let first: Int
      if let focus, window <= extent {
        first = min(max(focus - window / 2, 0), extent - window)
      } else {
        first = Int.random(in: min(0, extent - window)...max(0, extent - window), using: &generator)
      }
      return Double(first) + Double(window) / 2
    }
    center = (place(image.height, focus?.row), place(image.width, focus?.column))
    // Quarter turns are exact: the rotation is added to them.
    let quarter = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][turns]
    let (cosine, sine) = angle == 0 ? (1, 0) : (cos(angle), sin(angle))
    let (c, s) = (
      (quarter.0 * cosine - quarter.1 * sine) / factor, (quarter.0 * sine + quarter.1 * cosine) / factor
    )
    let (rows, columns) = (flipsRows ? -1.0 : 1, flipsColumns ? -1.0 : 1)
    matrix = (c * rows, -s * columns, s * rows, c * columns)
  }

  /// Whether the middle of each pixel of the crop is that of a pixel of the image.
  var isExact: Bool {
    let unit = abs(matrix.0) + abs(matrix.1) == 1 && (matrix.0 == 0 || matrix.1 == 0)
    func isWhole(_ number: Double) -> Bool { number - Double(size) / 2 == (number - Double(size) / 2).rounded() }
    return displacement == nil && unit && isWhole(center.row) && isWhole(center.column)
  }

  /// Cuts the crop out of an example, and writes its pixels and labels.
  ///
  /// Pixels beyond the image's edge are reflected, and their labels are `LabelMap.unlabelled`. Between pixels, the image is interpolated
  /// bilinearly, and a label is that of the nearest pixel.
  func cut(_ example: TrainingExample, pixels: inout MutableSpan<Float>, labels: inout MutableSpan<UInt16>) {
    let (height, width, channels) = (example.labels.height, example.labels.width, example.channels)
    let (isExact, half) = (isExact, Double(size) / 2)
    example.pixels.withElements(of: Float.self) { source in
      let map = example.labels.labels.span
      for i in 0..<size {
        for j in 0..<size {
          let (u, v) = (Double(i) + 0.5 - half, Double(j) + 0.5 - half)
          var y = center.row + matrix.0 * u + matrix.1 * v - 0.5
          var x = center.column + matrix.2 * u + matrix.3 * v - 0.5
          if let displacement {
            let (dy, dx) = displacement.at(i, j)
            y += dy
            x += dx
          }
          let (row, column) = (Int(y.rounded()), Int(x.rounded()))
          let pixel = i * size + j
          let isInside = row >= 0 && row < height && column >= 0 && column < width
          labels[pixel] = isInside ? map[row * width + column] : LabelMap.unlabelled
          let target = pixel * channels
          if isExact {
            let place = (Self.reflected(row, height) * width + Self.reflected(column, width)) * channels
            for channel in 0..<channels { pixels[target + channel] = source[place + channel] }
            continue
          }
          let (top, left) = (y.rounded(.down), x.rounded(.down))
          let (down, right) = (Float(y - top), Float(x - left))
          let (r0, r1) = (Self.reflected(Int(top), height) * width, Self.reflected(Int(top) + 1, height) * width)
          let (c0, c1) = (Self.reflected(Int(left), width), Self.reflected(Int(left) + 1, width))
          let places = ((r0 + c0) * channels, (r0 + c1) * channels, (r1 + c0) * channels, (r1 + c1) * channels)
          for channel in 0..<channels {
            let upper = source[places.0 + channel] * (1 - right) + source[places.1 + channel] * right
            let lower = source[places.2 + channel] * (1 - right) + source[places.3 + channel] * right
            pixels[target + channel] = upper * (1 - down) + lower * down
          }
        }
      }
    }
  }

  /// The index of a pixel, reflected at the first and last pixel as often as needed.
  private static func reflected(_ index: Int, _ extent: Int) -> Int {
    if index >= 0 && index < extent { return index }
    guard extent > 1 else { return 0 }
    let period = 2 * (extent - 1)
    let rest = ((index % period) + period) % period
    return rest < extent ? rest : period - rest
  }
}
