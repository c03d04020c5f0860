import SegEngine
import SegIO

/// Makes a folder `data` of six images with a bright square each, and gives its path.
///
/// - Parameters:
///   - foreground: The label of a square.
///   - parts: The folders below `data` that have six images each; by default `data` itself has them.
func makeSet(_ folder: Folder, foreground: UInt16 = 1, parts: [String] = ["."]) throws -> String {
  for part in parts.map({ "data/\($0)" }) {
    for kind in ["images", "masks"] { try folder.addFolder("\(part)/\(kind)") }
    for index in 0..<6 {
      var (mask, pixels) = (LabelMap(width: 40, height: 32), [UInt8](repeating: 40, count: 40 * 32))
      for row in 6 + index..<16 + index {
        for column in 4 + 3 * index..<18 + 3 * index {
          mask[row, column] = foreground
          pixels[row * 40 + column] = 200
        }
      }
      try Image(width: 40, height: 32, layout: .grey, samples: .uint8(pixels))
        .writePNG(to: folder.path("\(part)/images/\(index).png"))
      try mask.writePNG(to: folder.path("\(part)/masks/\(index).png"))
    }
  }
  return folder.path("data")
}
