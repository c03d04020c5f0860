import SegFiles

/// Images, or predictions, with their masks, as data sets keep them: each kind below a directory of its own or all below one.
///
/// An image and its mask have the same path below their directories but for the ending, and but for what data sets add to tell them
/// apart: directories (`images` and `masks`, `leftImg8bit` and `gtFine`, …) and words at the end or beginning of names
/// (`NAME_leftImg8bit` and `NAME_gtFine_labelIds`, `NAME_mask`, `mask-NAME`, …; `DatasetNames` lists them). Names that are the same go
/// before names that differ so. Where one of the two sides has no directories, the names alone decide.
///
/// What is no mask is left out where there is one: overlays and pictures in colours beside label images, and instance numbers.
public struct LabelledImages: Sendable {
  /// An image with its mask.
  public struct Pair: Sendable, Hashable {
    /// What the image is called: its path below the directory, without the ending and directories that say what it is.
    public let name: String
    /// The path of the image, or of the prediction.
    public let image: String
    /// The path of the mask.
    public let mask: String
  }

  /// What the files on the side of the images are.
  public enum Subject: Sendable, Hashable, CaseIterable {
    /// Photographs and the like.
    case images
    /// Label images.
    case predictions
  }

  /// The pairs, in the order of the images' paths. There is at least one.
  public let pairs: [Pair]

  /// Finds the pairs below two directories. Where both are one, files are told apart by directories, or by their names.
  ///
  /// - Parameters:
  ///   - images: The directory of the images. Links to directories are followed.
  ///   - masks: The directory of the masks.
  ///   - subject: What the files on the side of the images are.
  ///   - imageSuffix: How the names of images end, before the ending; all others are left out.
  ///   - maskSuffix: How the names of masks end, before the ending; all others are left out.
  ///   - readsColors: Whether colours are labels, so that pictures in colours are masks too.
  /// - Throws: ``DatasetError`` where a directory cannot be read, a file has no counterpart, or more than one.
  public init(
    images: String, masks: String, subject: Subject = .images, imageSuffix: String? = nil, maskSuffix: String? = nil,
    readsColors: Bool = false
  ) throws(DatasetError) {
    let isOne = FileSystem.resolved(images) == FileSystem.resolved(masks)
    var left = try DatasetFile.files(
      below: images, leavingOut: isOne ? DatasetNames.maskDirectories : [], suffix: imageSuffix,
      roles: subject == .images ? DatasetNames.imageWords : DatasetNames.predictionWords)
    var right = try DatasetFile.files(
      below: masks, leavingOut: isOne ? DatasetNames.imageDirectories : [], suffix: maskSuffix,
      roles: DatasetNames.maskWords)
    if isOne { DatasetFile.tellApart(images: &left, masks: &right) }
    guard !left.isEmpty else { throw DatasetError(images, .noImages(suffix: imageSuffix)) }
    let (overlays, others) = (DatasetNames.overlays, DatasetNames.byProducts)
    let leftOut = DatasetFile.byProducts(
      of: left, in: images, beside: right, in: masks,
      words: subject == .images ? overlays : overlays + others + DatasetNames.colorPictures)
    left.removeAll { leftOut.own.contains($0.path) }
    right.removeAll { leftOut.other.contains($0.path) }
    let rightOut = DatasetFile.byProducts(
      of: right, in: masks, beside: left, in: images,
      words: overlays + others + (readsColors ? [] : DatasetNames.colorPictures))
    right.removeAll { rightOut.own.contains($0.path) }
    left.removeAll { rightOut.other.contains($0.path) }
    var matching = DatasetMatching(images: left, masks: right, in: images, masks)
    try matching.match()
    pairs = matching.pairs
  }
}
