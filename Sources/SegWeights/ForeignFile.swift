import SegFiles

/// Describes a file that should contain weights or a model and is something else: a Git LFS pointer, a web page, a compressed or
/// incomplete download, a file for another program.
package enum ForeignFile {
  /// The expected kind of file.
  package enum Expectation {
    case weights, model
  }

  /// Returns what the file is instead, as the rest of a sentence, and what to do about it; `nil` if it is not recognised.
  package static func words(for file: FileBytes, expecting expectation: Expectation) -> String? {
    defer { withExtendedLifetime(file) {} }
    // A safetensors file begins with the length of its header, whose bytes may look like any other format.
    let isSafetensors = Safetensors.recognizes(file) && file.bytes[4..<8].allSatisfy { $0 == 0 }
    if isSafetensors { return expectation == .weights ? nil : words(insteadOfModel: file) }
    let start = UnsafeRawBufferPointer(rebasing: file.bytes.prefix(4096))
    if let kind = binaryKinds.first(where: { $0.fits(file.bytes) }) { return kind.words }
    if let text = text(start) { return words(forText: text) }
    if start.allSatisfy({ $0 == 0 }) { return "its beginning is nothing but zeros, as of a download that did not end" }
    return expectation == .weights ? words(insteadOfWeights: file) : words(insteadOfModel: file)
  }

  /// Describes an archive that contains neither weights nor arrays.
  static func words(forArchiveOf names: [String]) -> String {
    let files = names.filter { !$0.hasSuffix("/") }
    if files.contains(where: { $0.hasSuffix("model.weights.h5") }) {
      return "a Keras model, which is not read; export it to ONNX"
    }
    guard !files.isEmpty else { return "a zip archive without files" }
    let shown = files.prefix(3).joined(separator: ", ") + (files.count > 3 ? " and \(files.count - 3) more" : "")
    return "a zip archive of \(files.count) other \(files.count == 1 ? "file" : "files") (\(shown)); unpack it first"
  }

  // MARK: - Formats recognised by their first bytes

  private struct Kind {
    let offset: Int
    let bytes: [UInt8]
    let words: String

    init(_ bytes: [UInt8], at offset: Int = 0, _ words: String) {
      self.offset = offset
      self.bytes = bytes
      self.words = words
    }

    init(_ text: String, at offset: Int = 0, _ words: String) { self.init(Array(text.utf8), at: offset, words) }

    func fits(_ contents: UnsafeRawBufferPointer) -> Bool {
      contents.count >= offset + bytes.count && contents[offset...].starts(with: bytes)
    }
  }

  private static let binaryKinds = [
    Kind([0x1F, 0x8B, 8], "compressed by gzip; unpack it first (gunzip)"),
    Kind([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "compressed by xz; unpack it first (unxz)"),
    Kind("BZh", "compressed by bzip2; unpack it first (bunzip2)"),
    Kind([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd; unpack it first (unzstd)"),
    Kind([0x04, 0x22, 0x4D, 0x18], "compressed by lz4; unpack it first"),
    Kind([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive; unpack it first"),
    Kind("Rar!\u{1A}\u{7}", "a RAR archive; unpack it first"),
    Kind("ustar", at: 257, "a tar archive; unpack it first"),
    Kind([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an HDF5 file, as Keras writes it, which is not read"),
    Kind("GGUF", "a GGUF file, which is not read"),
    Kind("TFL3", at: 4, "a TensorFlow Lite model, which is not read"),
    Kind([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
    Kind([0xFF, 0xD8, 0xFF], "a JPEG image"),
    Kind("%PDF-", "a PDF document"),
    Kind([0x7F, 0x45, 0x4C, 0x46], "a program for Linux"),
  ]

  // MARK: - Texts

  /// Returns the beginning of a file as text without leading spaces; `nil` if it is not text.
  private static func text(_ start: UnsafeRawBufferPointer) -> String? {
    var bytes = Array(start)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let isText = bytes.allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0C, 0x0D].contains($0) }
    guard isText, let first = bytes.firstIndex(where: { $0 > 0x20 }) else { return nil }
    // The last character may be incomplete.
    for cut in 0..<4 where bytes.count - cut > first {
      if let text = String(validating: bytes[first..<(bytes.count - cut)], as: UTF8.self) { return text }
    }
    return nil
  }

  private static func words(forText text: String) -> String? {
    let lowercased = text.lowercased()
    let pointers = [
      "version https://git-lfs.github.com/", "version https://hawser.github.com/", "version http://git-media.io/",
    ]
    if pointers.contains(where: lowercased.hasPrefix) {
      return "a pointer of Git LFS (large file storage) in the place of the file; fetch the file by `git lfs pull`"
    }
    if lowercased.hasPrefix("/annex/objects/") || lowercased.contains(".git/annex/objects/") {
      return "a pointer of git-annex in the place of the file; fetch the file by `git annex get`"
    }
    let pageBeginnings = [
      "<!doctype html", "<html", "<head", "<body", "<script", "<meta", "<title", "<!--", "<div", "<p>",
    ]
    if pageBeginnings.contains(where: lowercased.hasPrefix)
      || lowercased.hasPrefix("<?xml") && lowercased.contains("<html")
    {
      return "a web page (HTML) that was saved in the place of the file; download the file itself"
    }
    if lowercased.hasPrefix("<") {
      return lowercased.contains("<net ") && lowercased.contains("<layers")
        ? "an OpenVINO model, which is not read" : "an XML text, as servers send it in the place of a file"
    }
    if lowercased.hasPrefix("{") || lowercased.hasPrefix("[") {
      return lowercased.contains("\"weight_map\"")
        ? "the index (JSON) of weights in several files, which are not read together; save them as one file"
        : "a JSON text, no weights and no model"
    }
    return "a text that begins with \"\(oneLine(text, limit: 40))\""
  }

  // MARK: - Weights where a model is expected, and the reverse

  private static func words(insteadOfWeights file: FileBytes) -> String? {
    if file.starts(with: NPY.magic) { return "a single NumPy array, which has no name; save it with numpy.savez" }
    // The version of the format, followed by the producer's name or version, or by the graph.
    if file.count > 4, file.bytes[0] == 0x08, (3...20).contains(file.bytes[1]),
      [0x12, 0x1A, 0x22, 0x3A].contains(file.bytes[2])
    {
      return "an ONNX model, which has its weights in itself: give it as the network"
    }
    if file.count > 2, file.bytes[0] == 0x80, (2...5).contains(file.bytes[1]), !PyTorchCheckpoint.isLegacy(file) {
      return "a bare Python pickle; save the weights by torch.save(state_dict, file)"
    }
    return nil
  }

  private static func words(insteadOfModel file: FileBytes) -> String? {
    let export = "export the network with torch.onnx.export, or name it and give this file as its weights"
    if ZipArchive.recognizes(file) {
      guard let archive = try? ZipArchive(file) else { return "a zip archive that is cut off or damaged" }
      if PyTorchCheckpoint.recognizes(archive) { return "a PyTorch checkpoint; \(export)" }
      if NPZ.recognizes(archive) { return "a NumPy archive; \(export)" }
      return words(forArchiveOf: archive.entries.map(\.name))
    }
    if PyTorchCheckpoint.isLegacy(file) { return "a PyTorch checkpoint; \(export)" }
    if Safetensors.recognizes(file), (try? Safetensors.Header(file)) != nil { return "a safetensors file; \(export)" }
    if file.starts(with: NPY.magic) { return "a NumPy array" }
    return nil
  }
}
