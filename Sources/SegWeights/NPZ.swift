import SegEngine
import SegFiles

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

  /// Whether an archive holds NumPy arrays.
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

  /// The arrays as a checkpoint of one dictionary. Arrays that are no numbers do not matter unless they are asked for.
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
