import SegIO

/// The images of a command: files, the images in folders, the matches of patterns, and standard input.
struct ImageInputs {
  /// An image and the name of its results.
  struct Item {
    /// The path; `-` is standard input.
    let path: String
    /// The path of its results within the output directory, without an ending.
    let name: String
  }

  /// The items, in the order of the arguments; those of a folder are sorted by name.
  let items: [Item]
  /// Whether an argument was a folder.
  let hasFolders: Bool

  /// A found image, before its results have a name.
  private struct Found {
    let path: String
    /// The folder argument that it was found in.
    let root: String?
    /// The path below the folder.
    let relative: String
  }

  /// Finds the images. The path `-` is standard input; a folder stands for all images below it, hidden ones left out; a path that does not
  /// exist and has `*`, `?` or `[` is a pattern as in a shell. An image that is found twice counts once.
  ///
  /// Results of images of one name are kept apart: those of several folders get the folders' names, those of several files the names of
  /// their directories, and those that differ only in their endings keep the endings.
  ///
  /// - Throws: ``Failure`` if a folder has no images or cannot be read, or a pattern matches none.
  init(_ arguments: [String]) throws {
    var found: [Found] = []
    var roots: [String] = []
    for argument in arguments {
      if argument != "-", FileSystem.isDirectory(argument) {
        let images = try ImageInputs.images(below: argument)
        guard !images.isEmpty else { throw Failure(.unreadableInput, "\(argument): has no images") }
        if !roots.contains(argument) { roots.append(argument) }
        found += images.map { Found(path: joined(argument, $0), root: argument, relative: $0) }
      } else if argument != "-", !FileSystem.exists(argument), argument.contains(where: { "*?[".contains($0) }) {
        let paths = FileSystem.paths(matching: argument).filter { !FileSystem.isDirectory($0) }
        guard !paths.isEmpty else { throw Failure(.unreadableInput, "\(argument): no file matches") }
        found += paths.map { Found(path: $0, root: nil, relative: lastComponent(of: $0)) }
      } else {
        found.append(
          Found(path: argument, root: nil, relative: argument == "-" ? "stdin" : lastComponent(of: argument)))
      }
    }
    var seen: Set<String> = []
    found.removeAll { !seen.insert($0.path == "-" ? "-" : ImageFiles.resolved($0.path)).inserted }
    hasFolders = !roots.isEmpty

    // Several folders: each gets a folder of its own in the output.
    let prefixes = roots.count > 1 ? ImageInputs.distinguished(roots.map { ImageFiles.resolved($0) }) : [""]
    let prefix = Dictionary(uniqueKeysWithValues: zip(roots, prefixes))
    func directory(_ image: Found) -> String {
      let parent = parentDirectory(of: image.relative)
      guard let root = image.root, let prefix = prefix[root], !prefix.isEmpty else { return parent }
      return parent.isEmpty ? prefix : joined(prefix, parent)
    }
    var names = found.map { joined(directory($0), SegIO.stem(of: $0.relative)) }
    for (_, group) in Dictionary(grouping: names.indices, by: { names[$0] }) where group.count > 1 {
      let parents = group.map { parentDirectory(of: ImageFiles.resolved(found[$0].path)) }
      let distinct = Set(parents).count > 1 ? ImageInputs.distinguished(parents) : parents.map { _ in "" }
      for (index, folder) in zip(group, distinct) where !folder.isEmpty { names[index] = joined(folder, names[index]) }
    }
    // What is still equal lies in one directory and differs in its ending.
    for (_, group) in Dictionary(grouping: names.indices, by: { names[$0] }) where group.count > 1 {
      for index in group {
        names[index] = joined(parentDirectory(of: names[index]), lastComponent(of: found[index].relative))
      }
    }
    items = zip(found, names).map { Item(path: $0.path, name: $1) }
  }

  /// The endings of image files that are looked for in folders.
  private static let endings: Set<String> = [
    "png", "jpg", "jpeg", "jpe", "tif", "tiff", "webp", "bmp", "gif", "pbm", "pgm", "ppm", "pnm", "pam", "pfm", "npy",
    "heic", "heif",
    "avif",
  ]

  /// Returns the paths of the images below a folder, relative to it. Links to a folder that contains them are not followed.
  private static func images(below folder: String) throws -> [String] {
    func search(_ directory: String, _ relative: String, _ above: Set<String>) throws -> [String] {
      let resolved = ImageFiles.resolved(directory)
      guard !above.contains(resolved) else { return [] }
      var images: [String] = []
      for name in try FileSystem.names(in: directory).sorted() where !name.hasPrefix(".") {
        let (path, inside) = (joined(directory, name), relative.isEmpty ? name : joined(relative, name))
        if FileSystem.isDirectory(path) {
          images += try search(path, inside, above.union([resolved]))
        } else if let ending = ending(of: name), endings.contains(ending.lowercased()) {
          images.append(inside)
        }
      }
      return images
    }
    return try search(folder, "", [])
  }

  /// Returns, for absolute directories, as many of their last components as keep different ones apart.
  private static func distinguished(_ directories: [String]) -> [String] {
    let components = directories.map { $0.split(separator: "/").map(String.init) }
    let different = Set(directories).count
    for count in 1...max(1, components.map(\.count).max() ?? 1) {
      let names = components.map { $0.suffix(count).joined(separator: "/") }
      if Set(names).count == different { return names }
    }
    return directories.map { String($0.drop { $0 == "/" }) }
  }
}
