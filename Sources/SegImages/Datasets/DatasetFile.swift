import SegFiles

/// A file of a data set, with the names under which its counterpart is searched.
struct DatasetFile {
  /// The path below the root directory.
  let path: String
  /// The directory that contains it, below the root directory.
  let directory: String
  /// The same without directories whose names state their contents, such as `masks`.
  let place: String
  /// Its name without the ending.
  let name: String
  /// Its name without words that state the kind of file. The first element is the whole name, or the part before the requested suffix.
  let names: [String]
  /// The part after the last dot, in lower case.
  let ending: String

  /// The path without its ending and without directories whose names state their contents.
  var shortPath: String { joined(place, name) }

  /// Finds the image files below a directory, sorted by their bytes.
  ///
  /// - Parameters:
  ///   - root: The directory.
  ///   - directories: The names, in lower case, of directories to skip.
  ///   - suffix: The end of the names, or `nil` for any.
  ///   - roles: Words that state the kind of file.
  static func files(
    below root: String, leavingOut directories: Set<String>, suffix: String?, roles: DatasetNames.Words
  ) throws(DatasetError) -> [DatasetFile] {
    guard let kind = FileSystem.kind(of: root) else {
      throw DatasetError(root, .file(FileError(root, .noDirectory)))
    }
    guard kind == .directory else { throw DatasetError(root, .file(FileError(root, .notADirectory))) }
    var found: [String] = []
    do throws(FileError) {
      try collect(root, "", leavingOut: directories, above: [], into: &found)
    } catch {
      throw DatasetError(error.path, .file(error))
    }
    // An array beside a picture of the same name contains probabilities or depths.
    let pictures = Set(found.filter { !areNumbers($0) }.map { joined(parentDirectory(of: $0), stem(of: $0)) })
    found.removeAll { areNumbers($0) && pictures.contains(joined(parentDirectory(of: $0), stem(of: $0))) }
    return found.sorted { $0.fileSystemBytes.lexicographicallyPrecedes($1.fileSystemBytes) }.compactMap { path in
      let (directory, name) = (parentDirectory(of: path), stem(of: path))
      var names = DatasetNames.reductions(of: name, by: roles)
      if let suffix {
        guard let rest = rest(of: path, before: suffix) else { return nil }
        names = [rest]
      }
      let place = directory.split(separator: "/").filter { part in
        let part = part.lowercased()
        return !DatasetNames.imageDirectories.contains(part) && !DatasetNames.maskDirectories.contains(part)
      }
      return DatasetFile(
        path: path, directory: directory, place: place.joined(separator: "/"), name: name, names: names,
        ending: SegFiles.ending(of: path)?.lowercased() ?? "")
    }
  }

  private static func areNumbers(_ path: String) -> Bool {
    SegFiles.ending(of: path).map { ["npy", "pfm"].contains($0.lowercased()) } ?? false
  }

  /// Returns the part of a file's name before a suffix, which may include the ending or not; `nil` if the name has another suffix.
  private static func rest(of path: String, before suffix: String) -> String? {
    for name in [stem(of: path), lastComponent(of: path)] where name.hasSuffix(suffix) {
      return String(name.dropLast(suffix.count))
    }
    return nil
  }

  /// Adds the image files of a directory and its subdirectories to `found`, with `prefix` before their names. Symbolic links are
  /// followed, except to a directory of `above`, the directories on the way from the root.
  private static func collect(
    _ directory: String, _ prefix: String, leavingOut names: Set<String>, above: Set<String>, into found: inout [String]
  ) throws(FileError) {
    let place = FileSystem.resolved(directory)
    guard !above.contains(place) else { return }
    for name in try FileSystem.names(in: directory) where !name.hasPrefix(".") {
      let path = joined(directory, name)
      if let ending = SegFiles.ending(of: name), DatasetNames.endings.contains(ending.lowercased()) {
        found.append(prefix + name)
      } else if !names.contains(name.lowercased()), FileSystem.isDirectory(path) {
        try collect(path, prefix + name + "/", leavingOut: names, above: above.union([place]), into: &found)
      }
    }
  }

  /// Separates images from masks among files whose directories do not state their contents. A file is a mask if its name is that of
  /// another file and a word for masks, or if it is lossless beside a JPEG file of the same name. If that separates no files, each file
  /// is used both as an image and as a mask.
  static func tellApart(images: inout [DatasetFile], masks: inout [DatasetFile]) {
    func isOpen(_ file: DatasetFile) -> Bool { file.place == file.directory }
    var names: [String: [DatasetFile]] = [:]
    for file in images where isOpen(file) { names[joined(file.place, file.name), default: []].append(file) }
    let areMasks = masks.filter { mask in
      guard isOpen(mask) else { return false }
      let namesakes = names[joined(mask.place, mask.name)] ?? []
      if !DatasetNames.lossyEndings.contains(mask.ending),
        namesakes.contains(where: { DatasetNames.lossyEndings.contains($0.ending) })
      {
        return true
      }
      return mask.names.contains { $0 != mask.name && names[joined(mask.place, $0)] != nil }
    }
    guard !areMasks.isEmpty else { return }
    let paths = Set(areMasks.map(\.path))
    images.removeAll { isOpen($0) && paths.contains($0.path) }
    masks.removeAll { isOpen($0) && !paths.contains($0.path) }
  }

  /// Finds files that are no label images beside a label image of the same name: overlays, pictures in colours, instance numbers.
  ///
  /// - Parameters:
  ///   - files: The files of one side, below `root`.
  ///   - root: The directory of the side.
  ///   - others: The files of the other side.
  ///   - otherRoot: The directory of the other side.
  ///   - words: The words at the end of their names.
  /// - Returns: Their paths on their own side, and those of pictures of the same names on the other.
  static func byProducts(
    of files: [DatasetFile], in root: String, beside others: [DatasetFile], in otherRoot: String, words: [[String]]
  ) -> (own: Set<String>, other: Set<String>) {
    var result: (own: Set<String>, other: Set<String>) = ([], [])
    var names: Set<String> = []
    for file in files {
      // The label image itself must not be such a file.
      guard DatasetNames.removing(words, from: file.name) == nil else { continue }
      for name in file.names { names.insert(joined(file.directory, name)) }
    }
    let otherFiles = Dictionary(others.map { (joined($0.place, $0.name), $0) }, uniquingKeysWith: { first, _ in first })
    for file in files {
      guard let base = DatasetNames.removing(words, from: file.name), names.contains(joined(file.directory, base))
      else {
        continue
      }
      if let other = otherFiles[joined(file.place, file.name)] {
        // Both sides have the file: it is one only if it is a picture, not labels.
        guard isColorPicture(joined(root, file.path)) && isColorPicture(joined(otherRoot, other.path)) else { continue }
        result.other.insert(other.path)
      }
      result.own.insert(file.path)
    }
    return result
  }

  /// Returns whether a file begins like a PNG in colours without a palette.
  private static func isColorPicture(_ path: String) -> Bool {
    guard let file = try? FileBytes(mapping: path), file.count > 25, file.starts(with: [0x89, 0x50, 0x4E, 0x47]) else {
      return false
    }
    return [2, 6].contains(file.bytes[25])
  }
}
