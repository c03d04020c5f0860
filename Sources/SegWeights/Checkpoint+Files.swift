import SegEngine
import SegFiles

extension Checkpoint {
  /// Opens a weights file, told apart by its contents and not by its name: safetensors, a NumPy archive, or what `torch.save`
  /// wrote, in its zip format or the one before.
  ///
  /// Of a PyTorch checkpoint every dictionary of tensors is found, wherever it lies, and the parameters of modules that were saved
  /// whole. What lies beside is left alone, whatever Python objects it consists of; nothing in a file is run. Floating-point
  /// types arrive as float32, uint8 and bool as uint8, int8, int16 and int32 as int32, int64 as int64; buffers such as
  /// `num_batches_tracked`, which has no axes, are among the tensors.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is no weights file, or is damaged.
  public init(contentsOf path: String) throws(WeightsError) {
    try self.init(FileBytes(weights: path), named: path)
  }

  init(_ file: FileBytes, named path: String) throws(WeightsError) {
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
      // The directory of a zip archive is at its end.
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
