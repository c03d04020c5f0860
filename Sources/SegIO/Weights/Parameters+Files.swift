import SegEngine

extension Parameters {
  /// Reads a weights file, told apart by its contents and not by its name: safetensors, a NumPy archive, or a PyTorch
  /// checkpoint.
  ///
  /// Floating-point types arrive as float32. ``Safetensors``, ``NPZ`` and ``PyTorchCheckpoint`` say more of what a file
  /// holds.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, unsafe or of an unsupported kind.
  public init(contentsOf path: String) throws(WeightsError) {
    let file: FileBytes
    do {
      file = try FileBytes(mapping: path)
    } catch {
      throw WeightsError(error)
    }
    try self.init(file, named: path)
  }

  init(_ file: FileBytes, named path: String) throws(WeightsError) {
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    if ZipArchive.recognizes(file) {
      self = try Parameters(archive: file, named: path)
    } else if PyTorchCheckpoint.isLegacy(file) {
      throw PyTorchCheckpoint.legacyError(path)
    } else if let hint = Parameters.hint(file) {
      throw WeightsError(path, .unknownFormat(hint: hint))
    } else if Safetensors.recognizes(file) {
      self.init(try Safetensors(file, named: path).tensors)
    } else {
      throw WeightsError(path, .unknownFormat(hint: nil))
    }
  }

  private init(archive file: FileBytes, named path: String) throws(WeightsError) {
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file)
    } catch {
      throw WeightsError(path, .malformed(format: "zip", reason: error.reason))
    }
    if PyTorchCheckpoint.recognizes(archive) {
      self = try PyTorchCheckpoint(archive, fileSize: file.count, named: path, stateDictionaryKey: nil).parameters
    } else if NPZ.recognizes(archive) {
      self.init(try NPZ(archive, named: path).arrays)
    } else {
      throw WeightsError(path, .unknownFormat(hint: "a zip archive without data.pkl and without .npy arrays"))
    }
  }

  /// What a file is that holds no weights by name.
  private static func hint(_ file: FileBytes) -> String? {
    let kinds: [(start: [UInt8], hint: String)] = [
      (NPY.magic, "a single NumPy array, which has no name; save it with numpy.savez"),
      (Array("\u{89}HDF\r\n".unicodeScalars.map { UInt8($0.value) }), "an HDF5 file"),
      ([0x80], "a bare Python pickle"),
      (Array("GGUF".utf8), "a GGUF file"),
    ]
    // Eight bytes of a header's length may begin in any way, so a safetensors header is looked for first.
    guard !Safetensors.recognizes(file) else { return nil }
    return kinds.first { file.starts(with: $0.start) }?.hint
  }

  /// Writes a weights file in the format that the path's ending names: `.safetensors` or `.npz`.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Throws: ``WeightsError`` where the ending is another or the file cannot be written.
  public func write(to path: String) throws(WeightsError) {
    if path.lowercased().hasSuffix(".safetensors") {
      try Safetensors(tensors).write(to: path)
    } else if path.lowercased().hasSuffix(".npz") {
      try NPZ(tensors).write(to: path)
    } else {
      throw WeightsError(path, .unknownEnding)
    }
  }
}
