import SegEngine

/// A NumPy archive: a zip file of `.npy` arrays, stored or deflated.
public struct NPZ: Sendable {
  /// Arrays by name, without the ending `.npy`. Element types become those of `Tensor` as
  /// `Tensor.init(npyFile:)` says.
  public var arrays: [String: Tensor]

  /// Makes the contents of a file to be written.
  public init(_ arrays: [String: Tensor]) { self.arrays = arrays }

  /// Reads a file.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, or holds an array of an unsupported kind.
  public init(contentsOf path: String) throws(WeightsError) {
    let file: FileBytes
    do {
      file = try FileBytes(mapping: path)
    } catch {
      throw WeightsError(error)
    }
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file)
    } catch {
      throw WeightsError(path, .malformed(format: "NPZ", reason: error.reason))
    }
    try self.init(archive, named: path)
  }

  /// Whether an archive holds NumPy arrays.
  static func recognizes(_ archive: ZipArchive) -> Bool { archive.entries.contains { $0.name.hasSuffix(".npy") } }

  init(_ archive: ZipArchive, named path: String) throws(WeightsError) {
    var arrays: [String: Tensor] = [:]
    for entry in archive.entries {
      guard entry.name.hasSuffix(".npy") else {
        throw WeightsError(path, .malformed(format: "NPZ", reason: "its entry \(entry.name) is no array"))
      }
      let contents: FileBytes
      do {
        contents = try archive.contents(of: entry)
      } catch {
        throw WeightsError(path, .malformed(format: "NPZ", reason: error.reason))
      }
      do {
        arrays[String(entry.name.dropLast(4))] = try NPY.tensor(from: contents)
      } catch {
        var failure = FormatFailure("\(entry.name): \(error.reason)")
        failure.isUnsupported = error.isUnsupported
        throw failure.error(path, "NPZ")
      }
    }
    self.init(arrays)
  }

  /// Writes a file, arrays by name. The same arrays give the same bytes.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - compressed: Whether arrays are deflated, which makes float weights hardly smaller.
  /// - Throws: ``WeightsError`` where the file cannot be written.
  public func write(to path: String, compressed: Bool = false) throws(WeightsError) {
    let ordered = arrays.sorted { $0.key < $1.key }
    try ZipWriter.write(to: path, names: ordered.map { $0.key + ".npy" }, compressed: compressed) { index in
      NPY.encoded(ordered[index].value)
    }
  }
}
