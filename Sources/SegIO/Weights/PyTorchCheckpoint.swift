import SegEngine

/// A checkpoint that PyTorch's `torch.save` wrote: a zip archive of a pickle and a file for each storage.
///
/// The pickle is read as data. Whatever Python object it names beyond tensors, ordered dictionaries and their like is
/// refused by name; nothing in the file is run.
public struct PyTorchCheckpoint: Sendable {
  /// The tensors of the state dictionary, by name and in the layouts of PyTorch.
  ///
  /// float16, bfloat16, float32 and float64 arrive as float32, uint8 and bool as uint8, int8, int16 and int32 as int32,
  /// int64 as int64. Buffers such as `num_batches_tracked`, which has no axes, are among them.
  public let parameters: Parameters

  /// The keys under which the state dictionary was found, outermost first; none where it is the file's own object.
  public let stateDictionaryKeys: [String]

  /// Entries that are no tensors and were left out: those of the state dictionary, and those beside it.
  public let skippedEntries: [String]

  /// Where checkpoints keep their state dictionary where it is not the whole of the file.
  public static let knownStateDictionaryKeys = [
    "state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights", "params",
  ]

  /// Reads a checkpoint.
  ///
  /// - Parameters:
  ///   - path: A file in the zip format, which PyTorch has written since version 1.6.
  ///   - stateDictionaryKey: The key of the state dictionary, where the file holds several. By default it is looked for
  ///     under ``knownStateDictionaryKeys``, then in the file's own object.
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, wants a Python object that is not harmless,
  ///   holds no state dictionary or several, or a tensor that does not lie within its storage.
  public init(contentsOf path: String, stateDictionaryKey: String? = nil) throws(WeightsError) {
    let file: FileBytes
    do {
      file = try FileBytes(mapping: path)
    } catch {
      throw WeightsError(error)
    }
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    guard !PyTorchCheckpoint.isLegacy(file) else { throw PyTorchCheckpoint.legacyError(path) }
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file)
    } catch {
      throw WeightsError(path, .malformed(format: "PyTorch", reason: error.reason))
    }
    try self.init(archive, fileSize: file.count, named: path, stateDictionaryKey: stateDictionaryKey)
  }

  /// Largest pickle that is read. Those of networks with thousands of tensors have less than a megabyte, and reading
  /// takes some twenty times a pickle's size.
  private static let maximumPickleBytes = 1 << 26

  /// Whether an archive has the pickle of a checkpoint.
  static func recognizes(_ archive: ZipArchive) -> Bool { archive.entries.contains { pickleFolder($0.name) != nil } }

  /// Whether a file begins with the number that `torch.save` wrote before it wrote zip archives
  /// (0x1950a86a20f9469cfc6c, as a pickle of protocol 2).
  static func isLegacy(_ file: FileBytes) -> Bool {
    file.starts(with: [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19])
  }

  static func legacyError(_ path: String) -> WeightsError {
    WeightsError(
      path,
      .unsupported(
        format: "PyTorch",
        reason: "the format before PyTorch 1.6; load and save it again: torch.save(torch.load(old), new)"))
  }

  /// The folder of an archive in which `data.pkl` lies, with its slash.
  private static func pickleFolder(_ name: String) -> String? {
    guard name == "data.pkl" || name.hasSuffix("/data.pkl") else { return nil }
    return String(name.dropLast("data.pkl".count))
  }

  init(_ archive: ZipArchive, fileSize: Int, named path: String, stateDictionaryKey: String?) throws(WeightsError) {
    let entries = Dictionary(archive.entries.map { ($0.name, $0) }) { first, _ in first }
    let folders = archive.entries.compactMap { PyTorchCheckpoint.pickleFolder($0.name) }
    guard folders.count == 1, let pickle = entries[folders[0] + "data.pkl"] else {
      throw WeightsError(
        path, .malformed(format: "PyTorch", reason: "it holds \(folders.count) pickles instead of one"))
    }
    guard entries[folders[0] + "constants.pkl"] == nil else {
      throw WeightsError(
        path, .unsupported(format: "PyTorch", reason: "a TorchScript program; save the model's state_dict() instead"))
    }
    let root: PickleValue
    let heap: PickleHeap
    do {
      if let order = entries[folders[0] + "byteorder"] {
        guard order.byteCount <= 16, try archive.contents(of: order).starts(with: Array("little".utf8)) else {
          throw FormatFailure.unsupported("numbers that are not in little-endian byte order")
        }
      }
      guard pickle.byteCount <= PyTorchCheckpoint.maximumPickleBytes else {
        throw FormatFailure.unsupported("a pickle of \(pickle.byteCount) bytes")
      }
      (root, heap) = try Unpickler.load(try archive.contents(of: pickle))
    } catch let error as Unpickler.Failure {
      switch error {
      case .refusedGlobal(let name): throw WeightsError(path, .refusedGlobal(name: oneLine(name, limit: 200)))
      case .format(let failure): throw failure.error(path, "PyTorch")
      }
    } catch let failure as FormatFailure {
      throw failure.error(path, "PyTorch")
    } catch let failure as ZipArchive.Failure {
      throw WeightsError(path, .malformed(format: "PyTorch", reason: failure.reason))
    } catch {
      throw WeightsError(path, .malformed(format: "PyTorch", reason: "\(error)"))
    }
    var finder = StateDictionaryFinder(heap: heap, path: path)
    let found = try finder.find(in: root, key: stateDictionaryKey)
    var storages = CheckpointStorages(
      archive: archive, entries: entries, folder: folders[0] + "data/", fileSize: fileSize)
    var tensors: [String: Tensor] = [:]
    for (name, view) in found.tensors {
      do {
        tensors[name] = try storages.tensor(heap.tensors[view], in: heap)
      } catch {
        var failure = FormatFailure("\(name): \(error.reason)")
        failure.isUnsupported = error.isUnsupported
        throw failure.error(path, "PyTorch")
      }
    }
    parameters = Parameters(tensors)
    stateDictionaryKeys = found.keys
    skippedEntries = found.skipped
  }
}
