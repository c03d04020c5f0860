import SegFiles

/// Pairs of images, or predictions, and masks in the layouts of data sets. Images and masks are in two directories or in one.
///
/// An image and its mask have the same path below their directories, except for the ending and for what distinguishes the two kinds:
/// directories (`images` and `masks`, `leftImg8bit` and `gtFine`, …) and words at the end or beginning of names (`NAME_leftImg8bit` and
/// `NAME_gtFine_labelIds`, `NAME_mask`, `mask-NAME`, …; `DatasetNames` lists them). Equal names take precedence over names that differ in
/// such words. If one of the two sides has no subdirectories, only the names are compared.
///
/// Files beside a mask that are no masks are left out: overlays, pictures in colours beside label images, and instance numbers.
public struct LabelledImages: Sendable {
  /// An image with its mask.
  public struct Pair: Sendable, Hashable {
    /// The name of the image: its path below the directory, without the ending and without directories that state its kind.
    public let name: String
    /// The path of the image, or of the prediction.
    public let image: String
    /// The path of the mask.
    public let mask: String
  }

  /// The kind of files on the image side.
  public enum Subject: Sendable, Hashable, CaseIterable {
    /// Photographs and other input images.
    case images
    /// Label images that are compared with the masks.
    case predictions
  }

  /// The pairs, in the order of the images' paths; at least one.
  public let pairs: [Pair]

  /// Finds the pairs below two directories. If both are the same directory, images and masks are distinguished by subdirectories or by
  /// names.
  ///
  /// - Parameters:
  ///   - images: The directory of the images. Links to directories are followed.
  ///   - masks: The directory of the masks.
  ///   - subject: The kind of files on the image side.
  ///   - imageSuffix: The end of the images' names, before the ending. Other files are left out.
  ///   - maskSuffix: The end of the masks' names, before the ending. Other files are left out.
  ///   - readsColors: Whether colours are read as labels. Then pictures in colours are masks too.
  /// - Throws: ``DatasetError`` if a directory cannot be read, or if a file has no counterpart or several.
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
