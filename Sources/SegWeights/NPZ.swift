import SegEngine
import SegFiles

/// A NumPy archive: a zip file of `.npy` arrays, stored or deflated.
public struct NPZ: Sendable {
  /// Arrays by name, without the ending `.npy`. Element types are converted as `Tensor.init(npyFile:)` does.
  public var arrays: [String: Tensor]

  /// Makes the contents of a file that is to be written.
  public init(_ arrays: [String: Tensor]) { self.arrays = arrays }

  /// Reads a file.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read, is damaged, or contains an array of an unsupported kind.
  public init(contentsOf path: String) throws(WeightsError) {
    let file = try FileBytes(weights: path)
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file)
    } catch {
      throw WeightsError(path, .malformed(format: "NPZ", reason: error.reason))
    }
    try self.init(archive, named: path)
  }

  /// Returns whether an archive contains NumPy arrays.
  static func recognizes(_ archive: ZipArchive) -> Bool { archive.entries.contains { $0.name.hasSuffix(".npy") } }

  private init(_ archive: ZipArchive, named path: String) throws(WeightsError) {
    var arrays: [String: Tensor] = [:]
    for entry in archive.entries {
      guard let name = NPZ.name(of: entry) else {
        throw WeightsError(path, .malformed(format: "NPZ", reason: "its entry \(entry.name) is no array"))
      }
      do {
        arrays[name] = try NPZ.tensor(of: entry, in: archive)
      } catch {
        throw error.error(path, "NPZ")
      }
    }
    self.init(arrays)
  }

  /// Makes a checkpoint of the arrays, with one dictionary. Arrays that are not numeric are an error only when they are requested.
  static func checkpoint(_ archive: ZipArchive, named path: String) throws(WeightsError) -> Checkpoint {
    var entries: [String: Checkpoint.Entry] = [:]
    for entry in archive.entries {
      guard let name = name(of: entry) else { continue }
      do {
        let tensor = try tensor(of: entry, in: archive)
        entries[name] = .tensor(tensor.spec, read: { tensor })
      } catch {
        guard error.isUnsupported else { throw error.error(path, "NPZ") }
        entries[name] = .array("is an array that is not read: \(error.reason)")
      }
    }
    return Checkpoint([Checkpoint.StateDictionary(keys: [], entries: entries)])
  }

  private static func name(of entry: ZipArchive.Entry) -> String? {
    entry.name.hasSuffix(".npy") ? String(entry.name.dropLast(4)) : nil
  }

  private static func tensor(of entry: ZipArchive.Entry, in archive: ZipArchive) throws(FormatFailure) -> Tensor {
    let contents: FileBytes
    do {
      contents = try archive.contents(of: entry)
    } catch {
      throw FormatFailure(error.reason)
    }
    do {
      return try NPY.tensor(from: contents)
    } catch {
      throw error.about(entry.name)
    }
  }

  /// Writes the arrays by name to a file. The same arrays give the same bytes.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - compressed: Whether arrays are deflated, which hardly reduces float weights.
  /// - Throws: ``WeightsError`` if the file cannot be written.
  public func write(to path: String, compressed: Bool = false) throws(WeightsError) {
    let ordered = arrays.sorted { $0.key < $1.key }
    try ZipWriter.write(to: path, names: ordered.map { $0.key + ".npy" }, compressed: compressed) { index in
      NPY.encoded(ordered[index].value)
    }
  }
}
