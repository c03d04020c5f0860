import Foundation
import SegEngine
import SegIO

/// A data set of grey images of bright discs on a dark ground, in a folder that is removed with the value.
final class TemporarySet {
  let path: String

  /// Writes images and masks.
  ///
  /// - Parameters:
  ///   - count: The number of images.
  ///   - size: Height and width.
  ///   - foreground: The label of a disc.
  init(_ count: Int, size: Extent2D = Extent2D(height: 40, width: 48), foreground: UInt16 = 1) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "seg-set-\(UUID().uuidString)").path
    path = folder
    for part in ["images", "masks"] {
      try FileManager.default.createDirectory(atPath: folder + "/" + part, withIntermediateDirectories: true)
    }
    var generator = SeededGenerator(seed: 3)
    for index in 0..<count {
      let radius = Double.random(in: 6...12, using: &generator)
      let row = Double.random(in: 10..<Double(size.height - 10), using: &generator)
      let column = Double.random(in: 10..<Double(size.width - 10), using: &generator)
      var mask = LabelMap(width: size.width, height: size.height)
      var pixels: [UInt8] = []
      for y in 0..<size.height {
        for x in 0..<size.width {
          let isInside =
            (Double(y) - row) * (Double(y) - row) + (Double(x) - column) * (Double(x) - column) < radius * radius
          if isInside { mask[y, x] = foreground }
          pixels.append((isInside ? 150 : 60) + UInt8.random(in: 0...40, using: &generator))
        }
      }
      try Image(width: size.width, height: size.height, layout: .grey, samples: .uint8(pixels))
        .writePNG(to: folder + "/images/case\(index / 2)_\(index).png")
      try mask.writePNG(to: folder + "/masks/case\(index / 2)_\(index).png")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
