import SegEngine
import SegFiles

extension Checkpoint {
  /// Opens a weights file. The format is recognised by the contents, not by the name: safetensors, a NumPy archive, or a file of
  /// `torch.save` in its zip format or the format before.
  ///
  /// In a PyTorch checkpoint, every dictionary of tensors is found at any depth, and so are the parameters of modules that were saved
  /// whole. Other Python objects are ignored. No code in the file is run. Floating-point types become float32, uint8 and bool become
  /// uint8, int8, int16 and int32 become int32, and int64 stays int64. The tensors include buffers such as `num_batches_tracked`, which
  /// has no axes.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read, is not a weights file, or is damaged.
  public init(contentsOf path: String) throws(WeightsError) {
    try self.init(FileBytes(weights: path), named: path)
  }

  /// Reads the bytes of a file; `path` names it in errors.
  package init(_ file: FileBytes, named path: String) throws(WeightsError) {
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    if let words = ForeignFile.words(for: file, expecting: .weights) {
      throw WeightsError(path, .unknownFormat(hint: words))
    } else if ZipArchive.recognizes(file) {
      self = try Checkpoint(archive: file, named: path)
    } else if PyTorchCheckpoint.isLegacy(file) {
      self = try PyTorchCheckpoint.legacyCheckpoint(file, named: path)
    } else if Safetensors.recognizes(file) {
      self = try Safetensors.checkpoint(file, named: path)
    } else {
      throw WeightsError(path, .unknownFormat(hint: nil))
    }
  }

  private init(archive file: FileBytes, named path: String) throws(WeightsError) {
    let archive: ZipArchive
    do {
      archive = try ZipArchive(file)
    } catch {
      // A zip archive has its directory at the end.
      throw WeightsError(
        path, .malformed(format: "zip", reason: "cut off, as a download that did not end, or damaged: \(error.reason)"))
    }
    if PyTorchCheckpoint.recognizes(archive) {
      self = try PyTorchCheckpoint.checkpoint(archive, fileSize: file.count, named: path)
    } else if NPZ.recognizes(archive) {
      self = try NPZ.checkpoint(archive, named: path)
    } else {
      throw WeightsError(path, .unknownFormat(hint: ForeignFile.words(forArchiveOf: archive.entries.map(\.name))))
    }
  }
}
