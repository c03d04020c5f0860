import SegEngine
import SegFiles
import SegIO

/// The images and masks of a data set, in parts for training, validation and test.
public struct TrainingData: Sendable, Hashable {
  /// The pairs to train with.
  public let training: [LabelledImages.Pair]
  /// The pairs to validate with.
  public let validation: [LabelledImages.Pair]
  /// The pairs of a test, which training does not read; empty if there is none.
  public let test: [LabelledImages.Pair]

  /// How files of a data set are found, and how they are split.
  public struct Layout: Sendable, Hashable, Codable {
    /// The end of the names of images; `nil` for any.
    public var imageSuffix: String?
    /// The end of the names of masks; `nil` for any.
    public var maskSuffix: String?
    /// The share of images to validate with, where the set has no such part.
    public var validation = 0.2
    /// The seed of the split.
    public var seed: UInt64 = 0
    /// The number of characters of a name by which images belong together, such as those of a patient; `nil` if images are independent.
    /// Images of a group are on one side of the split.
    public var groupPrefix: Int?

    /// Makes the usual layout: equal names, a fifth to validate with.
    public init() {}
  }

  /// Finds the images and masks of a folder.
  ///
  /// The folder has `train` and `val` (or `training`, `validation`, `valid`), each with images and masks, and perhaps `test`; or `images`
  /// and `masks`. Of these `train.txt`, `val.txt` and `test.txt` list the parts, a name a line, in the folder, in `splits` or in
  /// `ImageSets/Segmentation`; without them a share is drawn for validation. In each of them files are paired as ``LabelledImages`` does.
  ///
  /// - Throws: ``TrainingDataError``, `DatasetError`.
  public init(contentsOf directory: String, layout: Layout = Layout()) throws {
    func part(_ names: [String]) throws -> [LabelledImages.Pair]? {
      guard let name = names.first(where: { FileSystem.isDirectory(joined(directory, $0)) }) else { return nil }
      return try TrainingData.pairs(joined(directory, name), layout)
    }
    if let training = try part(["train", "training"]) {
      if let validation = try part(["val", "valid", "validation"]) {
        (self.training, self.validation) = (training, validation)
      } else {
        (self.training, self.validation) = try TrainingData.split(training, layout, of: directory)
      }
    } else {
      let pairs = try TrainingData.pairs(directory, layout)
      if let lists = try SplitFiles(of: pairs, in: directory) {
        (training, validation, test) = (lists.training, lists.validation, lists.test)
        guard !training.isEmpty, !validation.isEmpty else {
          throw TrainingDataError.tooFewImages(directory: directory, count: training.count + validation.count)
        }
        return
      }
      (training, validation) = try TrainingData.split(pairs, layout, of: directory)
    }
    test = try part(["test"]) ?? []
    guard !training.isEmpty, !validation.isEmpty else {
      throw TrainingDataError.tooFewImages(directory: directory, count: training.count + validation.count)
    }
  }

  /// Whether the first image to train with has samples of more than 8 bits.
  ///
  /// - Throws: `ImageError`.
  public func hasDeepSamples() throws -> Bool {
    if case .uint8 = try Image(contentsOf: training[0].image).samples { false } else { true }
  }

  private static func pairs(_ directory: String, _ layout: Layout) throws -> [LabelledImages.Pair] {
    guard FileSystem.isDirectory(directory) else { throw DatasetError.noDirectory(directory) }
    func folder(_ names: [String]) -> String? {
      names.map { joined(directory, $0) }.first(where: FileSystem.isDirectory)
    }
    let images = folder(["images", "image", "imgs", "img"]) ?? directory
    let masks = folder(["masks", "mask", "labels", "label", "annotations", "gt"]) ?? directory
    if (images == directory) != (masks == directory) { throw TrainingDataError.layout(directory: directory) }
    return try LabelledImages(
      images: images, masks: masks, imageSuffix: layout.imageSuffix, maskSuffix: layout.maskSuffix
    ).pairs
  }

  /// Splits pairs by groups, which are drawn until the share of validation is reached.
  private static func split(
    _ pairs: [LabelledImages.Pair], _ layout: Layout, of directory: String
  ) throws -> (training: [LabelledImages.Pair], validation: [LabelledImages.Pair]) {
    func group(_ pair: LabelledImages.Pair) -> String {
      layout.groupPrefix.map { String(pair.name.prefix($0)) } ?? pair.name
    }
    var groups = Array(Set(pairs.map(group))).sorted()
    guard groups.count >= 2 else { throw TrainingDataError.tooFewImages(directory: directory, count: pairs.count) }
    var generator = SeededGenerator(seed: layout.seed)
    groups.shuffle(using: &generator)
    let count = min(groups.count - 1, max(1, Int((layout.validation * Double(groups.count)).rounded())))
    let chosen = Set(groups.prefix(count))
    return (pairs.filter { !chosen.contains(group($0)) }, pairs.filter { chosen.contains(group($0)) })
  }
}
