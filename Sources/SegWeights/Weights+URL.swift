#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import SegEngine
import SegFiles

// Each function is equivalent to the function of the same name that takes a path.

extension WeightsError {
  /// Returns the path of a file URL.
  fileprivate static func path(of url: URL) throws(WeightsError) -> String {
    try String(pathOf: url, orThrow: WeightsError.init)
  }
}

extension Checkpoint {
  /// Opens a weights file.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read, is not a weights file, or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) {
    try self.init(contentsOf: WeightsError.path(of: url))
  }
}

extension Parameters {
  /// Reads the tensors of a weights file under the file's own names.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - key: The keys that lead to the dictionary of tensors in a PyTorch checkpoint, joined by dots.
  /// - Throws: ``WeightsError`` if the file cannot be read, is damaged, or has no dictionary of tensors or several.
  public init(contentsOf url: URL, key: String? = nil) throws(WeightsError) {
    try self.init(contentsOf: WeightsError.path(of: url), key: key)
  }

  /// Writes a weights file in the format of the ending: `.safetensors` or `.npz`.
  ///
  /// - Throws: ``WeightsError`` if the ending is neither of these or the file cannot be written.
  public func write(to url: URL) throws(WeightsError) { try write(to: WeightsError.path(of: url)) }
}

extension Safetensors {
  /// Reads a file. Its tensors are converted or copied when they are requested.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) { try self.init(contentsOf: WeightsError.path(of: url)) }

  /// Writes a file.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be written.
  public func write(to url: URL) throws(WeightsError) { try write(to: WeightsError.path(of: url)) }
}

extension NPZ {
  /// Reads an archive of arrays.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read or is damaged.
  public init(contentsOf url: URL) throws(WeightsError) { try self.init(contentsOf: WeightsError.path(of: url)) }

  /// Writes an archive of arrays.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - compressed: Whether arrays are deflated.
  /// - Throws: ``WeightsError`` if the file cannot be written.
  public func write(to url: URL, compressed: Bool = false) throws(WeightsError) {
    try write(to: WeightsError.path(of: url), compressed: compressed)
  }
}

extension Tensor {
  /// Reads a NumPy array from a `.npy` file.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read, is damaged, or is of an unsupported kind.
  public init(npyFile url: URL) throws(WeightsError) { try self.init(npyFile: WeightsError.path(of: url)) }

  /// Writes the tensor as a NumPy array, in C order.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be written.
  public func writeNPY(to url: URL) throws(WeightsError) { try writeNPY(to: WeightsError.path(of: url)) }
}
