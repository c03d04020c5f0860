/// The words with which data sets state the kind of a file in its name.
enum DatasetNames {
  /// The endings of image files, the usual ones first.
  static let endings = [
    "png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp", "npy", "pgm", "pbm", "ppm", "pnm", "pam", "pfm", "heic",
    "heif",
    "avif", "jpe", "jfif", "dib",
  ]
  /// The endings of formats with lossy compression.
  static let lossyEndings: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "heic", "heif", "avif"]

  /// Names of image directories, in lower case.
  static let imageDirectories: Set<String> = [
    "images", "image", "imgs", "img", "img_dir", "leftimg8bit", "jpegimages", "imagestr", "imagests", "rgb", "rgb_anon",
    "photos",
  ]
  /// Names of mask directories, in lower case.
  static let maskDirectories: Set<String> = [
    "masks", "mask", "labels", "label", "labelstr", "labelsts", "gtfine", "gtcoarse", "gt", "ann_dir", "annotations",
    "annotation",
    "segmentationclass", "segmentationclassaug", "segmentation", "segmentations", "ground_truth", "groundtruth",
  ]

  /// The words at the beginning or end of names of one kind of file.
  struct Words: Sendable {
    /// Words at the end of a name, in lower case, separated by `_`, `-`, `.`, spaces or brackets.
    let suffixes: [[String]]
    /// Words at the beginning of a name.
    let prefixes: [[String]]
  }

  /// Words for images.
  static let imageWords = Words(
    suffixes: words(
      "leftimg8bit", "rgb", "rgb anon", "image", "images", "img", "imgs", "photo", "sat", "im", "input", "0000"),
    prefixes: words("image", "img", "photo", "rgb", "volume"))

  /// Words for masks.
  static let maskWords = Words(
    suffixes: words(
      "mask", "masks", "msk", "label", "labels", "lbl", "lab", "labelids", "labeltrainids", "label ids", "label id",
      "label train ids", "label train id", "train ids", "train id", "trainids", "labelmap", "label map", "seg", "segs",
      "segmap",
      "segmentation", "segmentations", "segmentation mask", "gt", "gts", "gtfine", "gtcoarse", "groundtruth",
      "ground truth",
      "truth", "annotation", "annotations", "annot", "anno", "ann", "target", "targets", "semantic", "manual1", "1stho",
      "instance color rgb", "labelcolor", "color", "colors", "L"),
    prefixes: words(
      "mask", "masks", "msk", "label", "labels", "lbl", "seg", "segmentation", "gt", "groundtruth", "ground truth",
      "annotation",
      "target"))

  /// Words for predictions, whose names may also have words for masks and for images.
  static let predictionWords = Words(
    suffixes: words("pred", "preds", "prediction", "predictions", "predicted", "output", "out", "result")
      + imageWords.suffixes + maskWords.suffixes,
    prefixes: words("pred", "prediction", "output", "result") + imageWords.prefixes + maskWords.prefixes)

  /// Words for pictures with labels drawn over them.
  static let overlays = words("overlay", "overlays")
  /// Words for files beside label images that contain no class labels.
  static let byProducts = words("instanceids", "instance ids", "invids", "invgray", "superpixels")
  /// Words for label images in colours. They are masks if colours are read as labels.
  static let colorPictures = words("color", "colors", "labelcolor", "labelcolors")

  private static func words(_ texts: String...) -> [[String]] {
    texts.map { $0.split(separator: " ").map(String.init) }
  }

  /// Returns a name without the words of a kind at its end and beginning, with all intermediate names; the first is the name itself.
  static func reductions(of name: String, by words: Words) -> [String] {
    var (names, parts) = ([name], Parts(name))
    while let match = words.suffixes.filter({ parts.ends(with: $0) }).max(by: { $0.count < $1.count }) {
      parts.removeLast(match.count)
      names.append(parts.text)
    }
    // Removes words at the beginning of each name found so far.
    for reduced in names {
      var parts = Parts(reduced)
      if let match = words.prefixes.filter({ parts.starts(with: $0) }).max(by: { $0.count < $1.count }) {
        parts.removeFirst(match)
        names.append(parts.text)
      }
    }
    return names
  }

  /// Returns a name without words at its end; `nil` if it has none of them.
  static func removing(_ suffixes: [[String]], from name: String) -> String? {
    var parts = Parts(name)
    guard let match = suffixes.filter({ parts.ends(with: $0) }).max(by: { $0.count < $1.count }) else { return nil }
    parts.removeLast(match.count)
    return parts.text
  }

  /// A name, split into words at separators.
  private struct Parts {
    private let name: String
    private var words: ArraySlice<Substring>

    init(_ name: String) {
      self.name = name
      words = ArraySlice(name.split { "_-. ()[]".contains($0) })
    }

    /// The part from the beginning of the first word to the end of the last.
    var text: String { words.isEmpty ? "" : String(name[words.first!.startIndex..<words.last!.endIndex]) }

    /// Returns whether the name ends with these words and has others before them. An upper-case letter in them matches only itself.
    func ends(with suffix: [String]) -> Bool {
      words.count > suffix.count && zip(words.suffix(suffix.count), suffix).allSatisfy(Self.are)
    }

    /// Returns whether the name begins with these words and has others after them, or begins with one of them and a number.
    func starts(with prefix: [String]) -> Bool {
      if let word = words.first, prefix.count == 1, isNumbered(word, prefix[0]) { return true }
      return words.count > prefix.count && zip(words, prefix).allSatisfy(Self.are)
    }

    private func isNumbered(_ word: Substring, _ prefix: String) -> Bool {
      word.lowercased().hasPrefix(prefix) && word.dropFirst(prefix.count).first?.isNumber == true
    }

    private static func are(_ word: Substring, _ pattern: String) -> Bool {
      word == pattern || word.lowercased() == pattern
    }

    mutating func removeLast(_ count: Int) { words = words.dropLast(count) }

    mutating func removeFirst(_ prefix: [String]) {
      if let word = words.first, prefix.count == 1, isNumbered(word, prefix[0]) {
        words[words.startIndex] = word.dropFirst(prefix[0].count)
      } else {
        words = words.dropFirst(prefix.count)
      }
    }
  }
}
