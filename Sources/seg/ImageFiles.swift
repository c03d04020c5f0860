import Foundation

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
    let imageFiles = try files(below: images, leavingOut: images == masks ? "masks" : nil)
    let maskFiles = try files(below: masks, leavingOut: images == masks ? "images" : nil)
    var maskOfKey: [String: String] = [:]
    for file in maskFiles {
      let key = key(file)
      if let other = maskOfKey[key] { throw Failure(.badInput, "\(masks): \(other) and \(file) are masks of one image") }
      maskOfKey[key] = file
    }
    var pairs: [Pair] = []
    for file in imageFiles {
      guard let mask = maskOfKey.removeValue(forKey: key(file)) else {
        throw Failure(.badInput, "\(masks): there is no mask for \(file)")
      }
      pairs.append(Pair(name: key(file), image: join(images, file), mask: join(masks, mask)))
    }
    if let left = maskOfKey.values.min() { throw Failure(.badInput, "\(images): there is no image for the mask \(left)") }
    guard !pairs.isEmpty else { throw Failure(.badInput, "\(images): there are no images (png, jpg, tif)") }
    return pairs
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
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      guard isDirectory.boolValue else { throw Failure(.unwritableOutput, "\(path): is a file, not a directory") }
      return
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let cause = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError) ?? error as NSError
      let reason = cause.domain == NSPOSIXErrorDomain ? String(cString: strerror(Int32(cause.code))) : "cannot be made"
      throw Failure(.unwritableOutput, "\(path): the directory cannot be made: \(reason)")
    }
  }

  /// Relative paths of the image files below a directory, sorted.
  private static func files(below directory: String, leavingOut part: String?) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
      throw Failure(.unreadableInput, "\(directory): there is no such directory")
    }
    guard isDirectory.boolValue else { throw Failure(.unreadableInput, "\(directory): is a file, not a directory") }
    guard let all = FileManager.default.enumerator(atPath: directory) else {
      throw Failure(.unreadableInput, "\(directory): the directory cannot be read")
    }
    return all.compactMap { $0 as? String }.filter { file in
      let components = (file as NSString).pathComponents
      return endings.contains((file as NSString).pathExtension.lowercased())
        && !components.contains { $0.hasPrefix(".") } && !(part.map(components.dropLast().contains) ?? false)
    }.sorted()
  }

  private static func key(_ file: String) -> String {
    ((file as NSString).deletingPathExtension as NSString).pathComponents
      .enumerated().filter { index, part in part != "images" && part != "masks" }.map(\.element).joined(separator: "/")
  }
}
