import SegFiles

/// A file of a data set, with the names by which it is looked for.
struct DatasetFile {
  /// The path below the directory of its side.
  let path: String
  /// The directory that it lies in, below that of its side.
  let directory: String
  /// The same without directories that say what is in them.
  let place: String
  /// Its name without the ending.
  let name: String
  /// Its name without words that say what it is; the first is the name, or what precedes the suffix that was asked for.
  let names: [String]
  /// What follows the last dot, in lower case.
  let ending: String

  /// The path without ending and directories that say what is in them.
  var shortPath: String { joined(place, name) }

  /// The image files below a directory, in the order of their bytes.
  ///
  /// - Parameters:
  ///   - root: The directory.
  ///   - directories: Directories of these names, in lower case, are left out.
  ///   - suffix: How names end, or `nil` for any that do.
  ///   - roles: Words that say what such a file is.
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
    // Numbers beside a picture of the same name are probabilities or depths, not the picture.
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

  /// What precedes a suffix, which may have the ending or not, in the name of a file.
  private static func rest(of path: String, before suffix: String) -> String? {
    for name in [stem(of: path), lastComponent(of: path)] where name.hasSuffix(suffix) {
      return String(name.dropLast(suffix.count))
    }
    return nil
  }

  /// Adds the image files of a directory and those below it, symbolic links included, to `found`, with `prefix` before their
  /// names. `above` are the directories on the way here: a link back to one of them is not followed.
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

  /// Splits the files of one directory that lie in no directory which says what is in it: those whose name is that of another file and
  /// a word for masks are masks, and so are files without loss beside a JPEG of the same name. Where that tells none apart, each file
  /// stands for both.
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

  /// Files that are no label images beside one of the same name that is: overlays and pictures in colours, instance numbers.
  ///
  /// - Parameters:
  ///   - files: The files of one side, which lie in `root`.
  ///   - root: The directory of the side.
  ///   - others: The files of the other side.
  ///   - otherRoot: The directory of the other side.
  ///   - words: What they have at the end of their names.
  /// - Returns: Their paths on their own side, and those of pictures of the same names on the other.
  static func byProducts(
    of files: [DatasetFile], in root: String, beside others: [DatasetFile], in otherRoot: String, words: [[String]]
  ) -> (own: Set<String>, other: Set<String>) {
    var result: (own: Set<String>, other: Set<String>) = ([], [])
    var names: Set<String> = []
    for file in files {
      // A by-product of a by-product does not count.
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
        // Both sides have it: it is one where it is a picture, not labels.
        guard isColorPicture(joined(root, file.path)) && isColorPicture(joined(otherRoot, other.path)) else { continue }
        result.other.insert(other.path)
      }
      result.own.insert(file.path)
    }
    return result
  }

  /// Whether a file begins as a PNG of colours without a palette does.
  private static func isColorPicture(_ path: String) -> Bool {
    guard let file = try? FileBytes(mapping: path), file.count > 25, file.starts(with: [0x89, 0x50, 0x4E, 0x47]) else {
      return false
    }
    return [2, 6].contains(file.bytes[25])
  }
}
