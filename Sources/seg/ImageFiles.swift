import Foundation
import SegIO

/// Finding images and their masks.
enum ImageFiles {
  private static let endings: Set<String> = ["png", "jpg", "jpeg", "tif", "tiff"]

  /// An image with its mask.
  struct Pair {
    let name: String
    let image: String
    let mask: String
  }

  /// The images below two directories that belong together: those with the same path but for the ending and for directories
  /// named `images` or `masks`. Where both are one directory, `masks` directories hold the masks and `images` the images.
  static func pairs(images: String, masks: String) throws -> [Pair] {
    let isOne = areSame(images, masks)
    let imageFiles = try files(below: images, leavingOut: isOne ? "masks" : nil)
    let maskFiles = try files(below: masks, leavingOut: isOne ? "images" : nil)
    var maskOfKey: [String: String] = [:]
    for file in maskFiles {
      let key = key(file)
      if let other = maskOfKey[key] {
        throw Failure(.badInput, "\(masks): \(other) and \(file) are masks of one image")
      }
      maskOfKey[key] = file
    }
    var pairs: [Pair] = []
    for file in imageFiles {
      guard let mask = maskOfKey.removeValue(forKey: key(file)) else {
        throw Failure(.badInput, "\(masks): there is no mask for \(file)")
      }
      pairs.append(Pair(name: key(file), image: join(images, file), mask: join(masks, mask)))
    }
    if let left = maskOfKey.values.min() {
      throw Failure(.badInput, "\(images): there is no image for the mask \(left)")
    }
    guard !pairs.isEmpty else { throw Failure(.badInput, "\(images): there are no images (png, jpg, tif)") }
    return pairs
  }

  /// Whether two paths lead to the same place, be it there or not.
  static func areSame(_ a: String, _ b: String) -> Bool { resolved(a) == resolved(b) }

  /// A path without symbolic links and detours, for comparison.
  static func resolved(_ path: String) -> String {
    let resolved = URL(filePath: path).resolvingSymlinksInPath().standardizedFileURL.path(percentEncoded: false)
    return resolved.count > 1 && resolved.hasSuffix("/") ? String(resolved.dropLast()) : resolved
  }

  /// The last part of a path without its ending.
  static func stem(_ path: String) -> String {
    ((path as NSString).lastPathComponent as NSString).deletingPathExtension
  }

  static func join(_ directory: String, _ file: String) -> String {
    (directory as NSString).appendingPathComponent(file)
  }

  /// Makes a directory and those above it, where they are not there.
  static func makeDirectory(_ path: String) throws {
    if let code = directoryFailure(path) {
      throw Failure(.unwritableOutput, "\(path): the directory cannot be made: \(String(cString: strerror(code)))")
    }
  }

  /// The error number of what keeps a directory from being there.
  private static func directoryFailure(_ path: String) -> Int32? {
    if mkdir(path, 0o777) == 0 { return nil }
    let code = errno
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue { return nil }
    let parent = parentDirectory(of: path)
    guard code == ENOENT, !parent.isEmpty, parent != path else { return code }
    if let code = directoryFailure(parent) { return code }
    return mkdir(path, 0o777) == 0 ? nil : errno
  }

  /// Complains about a file that cannot be written because of where it is, before any work is done for it.
  static func requirePlace(for file: String) throws {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory), isDirectory.boolValue {
      throw Failure(.unwritableOutput, "\(file): is a directory, not a file")
    }
    let parent = parentDirectory(of: file)
    guard !parent.isEmpty else { return }
    guard FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw Failure(.unwritableOutput, "\(file): cannot be written: \(parent) is no directory")
    }
  }

  /// Relative paths of the image files below a directory, sorted.
  private static func files(below directory: String, leavingOut part: String?) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      throw Failure(.unreadableInput, "\(directory): there is no such directory")
    }
    guard isDirectory.boolValue else { throw Failure(.unreadableInput, "\(directory): is a file, not a directory") }
    var found: [String] = []
    try collect(directory, "", leavingOut: part, above: [], into: &found)
    return found.sorted()
  }

  /// Adds the image files of a directory and those below it, symbolic links included, to `found`, with `prefix` before their
  /// names. `above` are the directories on the way here: a link back to one of them is not followed.
  private static func collect(
    _ directory: String, _ prefix: String, leavingOut part: String?, above: Set<String>, into found: inout [String]
  ) throws {
    let place = resolved(directory)
    guard !above.contains(place) else { return }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
      throw Failure(.unreadableInput, "\(directory): the directory cannot be read")
    }
    for name in names where !name.hasPrefix(".") {
      let path = join(directory, name)
      var isDirectory: ObjCBool = false
      if endings.contains((name as NSString).pathExtension.lowercased()) {
        found.append(prefix + name)
      } else if name != part, FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
        isDirectory.boolValue
      {
        try collect(path, prefix + name + "/", leavingOut: part, above: above.union([place]), into: &found)
      }
    }
  }

  /// What an image and its mask have in common. The file itself may be called `images` or `masks`.
  private static func key(_ file: String) -> String {
    let components = ((file as NSString).deletingPathExtension as NSString).pathComponents
    return (components.dropLast().filter { $0 != "images" && $0 != "masks" } + components.suffix(1)).joined(
      separator: "/")
  }
}
