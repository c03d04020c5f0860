import SegEngine
import SegFiles

extension Tensor {
  /// Reads a NumPy array from a `.npy` file.
  ///
  /// f2, f4 and f8 become float32, b1 and u1 become uint8, i1, i2, u2 and i4 become int32, u4 and i8 become int64. Both byte orders, and
  /// C and Fortran order, are supported. Other types, records and Python objects are errors.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read, is damaged, or is of an unsupported kind.
  public init(npyFile path: String) throws(WeightsError) {
    let file = try FileBytes(weights: path)
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    do {
      self = try NPY.tensor(from: file)
    } catch {
      throw error.error(path, "NumPy array")
    }
  }

  /// Writes the tensor as a NumPy array, in C order. A file at `path` is replaced atomically.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be written.
  public func writeNPY(to path: String) throws(WeightsError) {
    do {
      let file = try AtomicFile(replacing: path)
      try file.append(NPY.prefix(for: self))
      try file.append(self)
      try file.commit()
    } catch {
      throw WeightsError(error)
    }
  }
}
