import SegFiles

/// The pairing of images with masks.
struct DatasetMatching {
  private let images, masks: [DatasetFile]
  private let imageRoot, maskRoot: String
  private var maskOfImage: [Int: Int] = [:]
  private var imageOfMask: [Int: Int] = [:]

  init(images: [DatasetFile], masks: [DatasetFile], in imageRoot: String, _ maskRoot: String) {
    self.images = images
    self.masks = masks
    self.imageRoot = imageRoot
    self.maskRoot = maskRoot
  }

  /// Finds one mask for each image and one image for each mask.
  mutating func match() throws(DatasetError) {
    // Equal names are matched before names that differ in prefixes or suffixes.
    try match(imageKeys: { [joined($0.directory, $0.names[0])] }, maskKeys: { [joined($0.directory, $0.names[0])] })
    try match(imageKeys: { [joined($0.place, $0.names[0])] }, maskKeys: { [joined($0.place, $0.names[0])] })
    try match(imageKeys: Self.keys, maskKeys: Self.keys)
    if images.allSatisfy({ $0.place.isEmpty }) || masks.allSatisfy({ $0.place.isEmpty }) {
      try match(imageKeys: { [$0.names[0]] }, maskKeys: { [$0.names[0]] })
      try match(imageKeys: \.names, maskKeys: \.names)
    }
    try requireAll()
  }

  /// The pairs, in the order of the images.
  var pairs: [LabelledImages.Pair] {
    let short = Dictionary(grouping: images, by: \.shortPath)
    return images.indices.compactMap { index in
      maskOfImage[index].map { mask in
        let image = images[index]
        let isAlone = short[image.shortPath]?.count == 1
        return LabelledImages.Pair(
          name: isAlone ? image.shortPath : joined(image.directory, image.name), image: joined(imageRoot, image.path),
          mask: joined(maskRoot, masks[mask].path))
      }
    }
  }

  private static func keys(_ file: DatasetFile) -> [String] { file.names.map { joined(file.place, $0) } }

  /// Pairs the unpaired files that have a key in common.
  private mutating func match(
    imageKeys: (DatasetFile) -> [String], maskKeys: (DatasetFile) -> [String]
  ) throws(DatasetError) {
    var masksOfKey: [String: [Int]] = [:]
    for index in masks.indices where imageOfMask[index] == nil {
      for key in Set(maskKeys(masks[index])) { masksOfKey[key, default: []].append(index) }
    }
    var imagesOfMask: [Int: [Int]] = [:]
    var masksOfImage: [Int: [Int]] = [:]
    for index in images.indices where maskOfImage[index] == nil {
      var fitting = Set(imageKeys(images[index]).flatMap { masksOfKey[$0] ?? [] })
      // A JPEG beside a lossless file is not a mask.
      let lossless = fitting.filter { !DatasetNames.lossyEndings.contains(masks[$0].ending) }
      if !lossless.isEmpty { fitting = lossless }
      guard !fitting.isEmpty else { continue }
      masksOfImage[index] = fitting.sorted()
      for mask in fitting { imagesOfMask[mask, default: []].append(index) }
    }
    for (index, fitting) in masksOfImage.sorted(by: { $0.key < $1.key }) {
      guard fitting.count == 1 else { throw several(fitting[0], fitting[1], of: index) }
      let rivals = imagesOfMask[fitting[0]]!.sorted()
      guard rivals.count == 1 else { throw several(rivals[0], rivals[1], with: fitting[0]) }
      maskOfImage[index] = fitting[0]
      imageOfMask[fitting[0]] = index
    }
  }

  /// Throws an error for the first unpaired file, with the files that it may be confused with.
  private func requireAll() throws(DatasetError) {
    var (imageOfKey, maskOfKey): ([String: Int], [String: Int]) = ([:], [:])
    for index in images.indices where maskOfImage[index] != nil {
      for key in Self.keys(images[index]) { imageOfKey[key] = index }
    }
    for index in masks.indices where imageOfMask[index] != nil {
      for key in Self.keys(masks[index]) { maskOfKey[key] = index }
    }
    for index in images.indices where maskOfImage[index] == nil {
      if let mask = Self.keys(images[index]).lazy.compactMap({ maskOfKey[$0] }).first {
        let both = [index, imageOfMask[mask]!].sorted()
        throw several(both[0], both[1], with: mask)
      }
      throw DatasetError(maskRoot, .noMask(image: images[index].path))
    }
    for index in masks.indices where imageOfMask[index] == nil {
      let image = Self.keys(masks[index]).lazy.compactMap { imageOfKey[$0] }.first
      let namesake = Self.keys(masks[index]).lazy.compactMap { maskOfKey[$0] }.first
      // A JPEG beside a mask is not a mask.
      if DatasetNames.lossyEndings.contains(masks[index].ending), image != nil || namesake != nil { continue }
      if let image = image ?? namesake.flatMap({ imageOfMask[$0] }) {
        let both = [index, maskOfImage[image]!].sorted()
        throw several(both[0], both[1], of: image)
      }
      throw DatasetError(imageRoot, .noImage(mask: masks[index].path))
    }
  }

  private func several(_ first: Int, _ second: Int, of image: Int) -> DatasetError {
    DatasetError(
      maskRoot, .severalMasks(first: masks[first].path, second: masks[second].path, image: images[image].path))
  }

  private func several(_ first: Int, _ second: Int, with mask: Int) -> DatasetError {
    DatasetError(
      imageRoot, .severalImages(first: images[first].path, second: images[second].path, mask: masks[mask].path))
  }
}
