import SegFiles
import SegIO

/// The parts of a data set, listed in text files: `train.txt`, `val.txt` and optionally `test.txt`, one image name per line, as in Pascal
/// VOC's `ImageSets/Segmentation`.
struct SplitFiles {
  let training, validation, test: [LabelledImages.Pair]

  /// The folders below a data set that may hold the files.
  private static let folders = ["", "splits", "ImageSets/Segmentation"]

  /// Reads the lists of a data set; `nil` if it has none.
  ///
  /// - Throws: ``TrainingDataError`` for a name that is no image of the set, is in two parts, or a list for training without one for
  ///   validation.
  init?(of pairs: [LabelledImages.Pair], in directory: String) throws {
    func path(_ folder: String, _ name: String) -> String {
      joined(folder.isEmpty ? directory : joined(directory, folder), name)
    }
    guard let folder = SplitFiles.folders.first(where: { FileSystem.exists(path($0, "train.txt")) }) else { return nil }
    guard FileSystem.exists(path(folder, "val.txt")) else {
      throw TrainingDataError.split(list: path(folder, "train.txt"), reason: "there is no val.txt beside it")
    }
    var places: [String: LabelledImages.Pair] = [:]
    for pair in pairs { places[pair.name] = pair }
    var listed: [String: String] = [:]
    func part(_ name: String) throws -> [LabelledImages.Pair] {
      let list = path(folder, name)
      guard FileSystem.exists(list) else { return [] }
      let lines = String(decoding: try FileSystem.contents(of: list), as: UTF8.self).split(whereSeparator: \.isNewline)
      return try lines.compactMap { line in
        // Some lists have further columns: an image, a mask, or a flag.
        guard let entry = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "," }).first else { return nil }
        let file = String(entry)
        guard let pair = places[file] ?? places[SplitFiles.imageName(of: file)] else {
          throw TrainingDataError.split(list: list, reason: "\(file) is no image with a mask")
        }
        if let other = listed.updateValue(list, forKey: pair.name) {
          throw TrainingDataError.split(
            list: list, reason: other == list ? "\(file) occurs twice" : "\(file) is in \(other) too")
        }
        return pair
      }
    }
    (training, validation, test) = (try part("train.txt"), try part("val.txt"), try part("test.txt"))
  }

  /// Returns a path without a leading folder of images and without its ending.
  private static func imageName(of file: String) -> String {
    var name = file
    for folder in ["./", "images/", "img/", "JPEGImages/"] where name.hasPrefix(folder) {
      name = String(name.dropFirst(folder.count))
    }
    return joined(parentDirectory(of: name), stem(of: name))
  }
}
