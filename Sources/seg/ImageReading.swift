import SegEngine
import SegIO

/// The image of a file, and what is strange about the file: a line each, printed to the standard error stream once.
func readImage(_ path: String, page: Int = 1) throws -> (image: Image, warnings: [String]) {
  let (image, warnings) = try Image.reading(contentsOf: path, page: page)
  let lines = warnings.map(\.description)
  for line in lines { printError("seg: \(line)") }
  return (image, lines)
}
