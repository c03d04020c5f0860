import SegEngine
import SegFiles

extension Tensor {
  /// Reads a NumPy array from a `.npy` file.
  ///
  /// f2, f4 and f8 arrive as float32, b1 and u1 as uint8, i1, i2, u2 and i4 as int32, u4 and i8 as int64; either byte
  /// order, C or Fortran order. Other types, records and Python objects are refused.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, or of an unsupported kind.
  public init(npyFile path: String) throws(WeightsError) {
    let file = try FileBytes(weights: path)
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    do {
      self = try NPY.tensor(from: file)
    } catch {
      throw error.error(path, "NumPy array")
    }
  }

  /// Writes the tensor as a NumPy array, in C order. A file at `path` is replaced in one step.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be written.
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
