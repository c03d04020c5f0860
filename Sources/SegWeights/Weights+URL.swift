#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function does what the one of the same name does with a path.

extension WeightsError {
  /// The path of a file's URL.
  fileprivate static func path(of url: URL) throws(WeightsError) -> String {
    do throws(FileError) {
      return try String(pathOf: url)
    } catch {
      throw WeightsError(error)
    }
  }
}

extension Checkpoint {
  /// Opens a weights file.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is no weights file, or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) {
    try self.init(contentsOf: WeightsError.path(of: url))
  }
}

extension Parameters {
  /// Reads the tensors of a weights file under the names that it gives them.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - key: The keys of the dictionary of tensors in a PyTorch checkpoint, joined by dots.
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, or holds no dictionary of tensors or several.
  public init(contentsOf url: URL, key: String? = nil) throws(WeightsError) {
    try self.init(contentsOf: WeightsError.path(of: url), key: key)
  }

  /// Writes a weights file in the format that the ending names: `.safetensors` or `.npz`.
  ///
  /// - Throws: ``WeightsError`` where the ending is another or the file cannot be written.
  public func write(to url: URL) throws(WeightsError) { try write(to: WeightsError.path(of: url)) }
}

extension Safetensors {
  /// Reads a file; its tensors are converted or copied when they are asked for.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) { try self.init(contentsOf: WeightsError.path(of: url)) }

  /// Writes a file.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be written.
  public func write(to url: URL) throws(WeightsError) { try write(to: WeightsError.path(of: url)) }
}

extension NPZ {
  /// Reads an archive of arrays.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) { try self.init(contentsOf: WeightsError.path(of: url)) }

  /// Writes an archive of arrays.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - compressed: Whether arrays are deflated.
  /// - Throws: ``WeightsError`` where the file cannot be written.
  public func write(to url: URL, compressed: Bool = false) throws(WeightsError) {
    try write(to: WeightsError.path(of: url), compressed: compressed)
  }
}

extension Tensor {
  /// Reads a NumPy array from a `.npy` file.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, or of an unsupported kind.
  public init(npyFile url: URL) throws(WeightsError) { try self.init(npyFile: WeightsError.path(of: url)) }

  /// Writes the tensor as a NumPy array, in C order.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be written.
  public func writeNPY(to url: URL) throws(WeightsError) { try writeNPY(to: WeightsError.path(of: url)) }
}
