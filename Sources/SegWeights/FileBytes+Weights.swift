import SegFiles

extension FileBytes {
  /// Maps a weights file without reading it.
  convenience init(weights path: String) throws(WeightsError) {
    do {
      try self.init(mapping: path)
    } catch {
      throw WeightsError(error)
    }
  }
}
