import SegEngine
import SegFiles

/// The format of `torch.save`: a pickle, and the elements of each storage outside it.
///
/// The pickle is read as data (``Unpickler``). Nothing in the file is run, whatever Python objects it names.
enum PyTorchCheckpoint {
  static let format = "PyTorch"

  // MARK: - Zip archives, which PyTorch has written since version 1.6

  /// Returns whether an archive has the pickle of a checkpoint, or was written by PyTorch otherwise.
  static func recognizes(_ archive: ZipArchive) -> Bool {
    archive.entries.contains { pickleFolder($0.name) != nil } || program(in: archive) != nil
  }

  /// Returns the folder of an archive that contains `data.pkl`, with its slash.
  private static func pickleFolder(_ name: String) -> String? {
    guard name == "data.pkl" || name.hasSuffix("/data.pkl") else { return nil }
    return String(name.dropLast("data.pkl".count))
  }

  /// Returns the kind of program that an archive contains instead of weights, and how to save its weights.
  private static func program(in archive: ZipArchive) -> String? {
    let kinds: [(ending: String, words: String)] = [
      (
        "constants.pkl", "a TorchScript program; save its weights by torch.save(torch.jit.load(file).state_dict(), new)"
      ),
      (
        ".data/extern_modules",
        "a torch.package archive, which holds a program; save its weights by torch.save(model.state_dict(), new)"
      ),
      (
        "models/model.json",
        "an exported program; save its weights by torch.save(torch.export.load(file).state_dict, new)"
      ),
      (
        "serialized_exported_program.json",
        "an exported program; save its weights by torch.save(torch.export.load(file).state_dict, new)"
      ),
    ]
    return kinds.first { kind in
      archive.entries.contains { $0.name == kind.ending || $0.name.hasSuffix("/" + kind.ending) }
    }?.words
  }

  static func checkpoint(_ archive: ZipArchive, fileSize: Int, named path: String) throws(WeightsError) -> Checkpoint {
    if let words = program(in: archive) { throw WeightsError(path, .unsupported(format: format, reason: words)) }
    do {
      let folders = archive.entries.compactMap { pickleFolder($0.name) }
      guard folders.count == 1, let pickle = archive.entries.first(where: { $0.name == folders[0] + "data.pkl" }) else {
        throw FormatFailure("it holds \(folders.count) pickles instead of one")
      }
      var isBigEndian = false
      if let order = archive.entries.first(where: { $0.name == folders[0] + "byteorder" }) {
        guard order.byteCount <= 16 else { throw FormatFailure("its byte order is unknown") }
        let contents = try archive.contents(of: order)
        isBigEndian = contents.starts(with: Array("big".utf8))
        guard isBigEndian || contents.starts(with: Array("little".utf8)) else {
          throw FormatFailure("its byte order is unknown")
        }
      }
      guard pickle.byteCount <= Unpickler.maximumByteCount else {
        throw FormatFailure.unsupported("a pickle of \(pickle.byteCount) bytes")
      }
      let contents = try Unpickler.load(try archive.contents(of: pickle))
      let storages = CheckpointStorages(
        contents.heap, .archive(archive, folder: folders[0] + "data/"), fileSize: fileSize, isBigEndian: isBigEndian)
      return checkpoint(contents, storages, named: path)
    } catch let failure as FormatFailure {
      throw failure.error(path, format)
    } catch let failure as ZipArchive.Failure {
      throw WeightsError(path, .malformed(format: format, reason: failure.reason))
    } catch {
      throw WeightsError(path, .malformed(format: format, reason: "\(error)"))
    }
  }

  // MARK: - Files of PyTorch before version 1.6, or with `_use_new_zipfile_serialization=False`

  /// The number 0x1950a86a20f9469cfc6c in a pickle.
  private static let legacyMagic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  /// Returns whether a file begins with the magic number of the old format, in a pickle of any protocol.
  static func isLegacy(_ file: FileBytes) -> Bool {
    guard file.count > 32, file.bytes[0] == 0x80 else { return false }
    // From protocol 4 on, the length of a frame comes first.
    let start = file.bytes[2] == 0x95 ? 11 : 2
    return file.bytes[start...].starts(with: legacyMagic)
  }

  /// Reads the old format: five pickles (the magic number, a version, the machine's properties, the object, the keys of storages), then
  /// the number of elements and the elements of each storage.
  static func legacyCheckpoint(_ file: FileBytes, named path: String) throws(WeightsError) -> Checkpoint {
    defer { withExtendedLifetime(file) {} }
    do throws(FormatFailure) {
      let version = try Unpickler.load(file, from: try Unpickler.load(file).end)
      guard case .int(1001) = version.root else {
        throw FormatFailure.unsupported("an unknown version of the old format")
      }
      let machine = try Unpickler.load(file, from: version.end)
      var isBigEndian = false
      if case .dictionary(let index) = machine.root,
        case .bool(false)? = machine.heap.value(of: "little_endian", in: index)
      {
        isBigEndian = true
      }
      let contents = try Unpickler.load(file, from: machine.end)
      let keys = try Unpickler.load(file, from: contents.end)
      let ranges = try legacyRanges(file, from: keys.end, keys, of: contents.heap, isBigEndian: isBigEndian)
      let storages = CheckpointStorages(
        contents.heap, .ranges(ranges, of: file), fileSize: file.count, isBigEndian: isBigEndian)
      return checkpoint(contents, storages, named: path)
    } catch {
      throw error.error(path, format)
    }
  }

  private static func legacyRanges(
    _ file: FileBytes, from start: Int, _ keys: Unpickler.Contents, of heap: PickleHeap, isBigEndian: Bool
  ) throws(FormatFailure) -> [String: Range<Int>] {
    var sizes: [String: Int] = [:]
    for storage in heap.storages {
      switch storage.number {
      case .element(let stored): sizes[storage.key] = stored.byteCount
      case nil: sizes[storage.key] = 1
      case .rare(let name): sizes[storage.key] = rareByteCounts[name]
      }
    }
    var ranges: [String: Range<Int>] = [:]
    var position = start
    for item in keys.heap.items(of: keys.root) ?? [] {
      let key: String
      switch item {
      case .string(let text): key = text
      case .int(let number): key = String(number)
      default: throw FormatFailure("a storage has no name")
      }
      guard file.count - position >= 8 else { throw FormatFailure("it ends before storage \(key)") }
      let raw = file.bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let claimed = isBigEndian ? UInt64(bigEndian: raw) : UInt64(littleEndian: raw)
      position += 8
      guard let size = sizes[key] else {
        throw FormatFailure.unsupported("the old format with storages of a type that is not read")
      }
      guard claimed <= UInt64((file.count - position) / size) else {
        throw FormatFailure(
          "storage \(key) should have \(claimed) elements, but only \(file.count - position) bytes follow")
      }
      ranges[key] = position..<(position + Int(claimed) * size)
      position = ranges[key]!.upperBound
    }
    return ranges
  }

  /// The sizes in bytes of unsupported element types of the old format.
  private static let rareByteCounts = [
    "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4,
  ]

  // MARK: - Both formats

  private static func checkpoint(
    _ contents: Unpickler.Contents, _ storages: CheckpointStorages, named path: String
  ) -> Checkpoint {
    let found = PickledDictionaries.find(in: contents.root, contents.heap)
    return Checkpoint(
      found.map { dictionary in
        Checkpoint.StateDictionary(
          keys: dictionary.keys,
          entries: Dictionary(
            uniqueKeysWithValues: dictionary.entries.map { name, entry in
              (name, self.entry(entry, storages, named: path, name))
            }))
      })
  }

  private static func entry(
    _ entry: PickledDictionary.Entry, _ storages: CheckpointStorages, named path: String, _ name: String
  ) -> Checkpoint.Entry {
    switch entry {
    case .rare(.array): return .array(RareTensor.array.words)
    case .rare(let kind): return .unreadable(kind.words)
    case .tensor(let view):
      do throws(FormatFailure) {
        return .tensor(try storages.spec(of: view)) {
          do throws(FormatFailure) {
            return try storages.tensor(view)
          } catch {
            throw error.about(name).error(path, format)
          }
        }
      } catch {
        return .unreadable("is damaged: \(error.reason)")
      }
    }
  }
}
