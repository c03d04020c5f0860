import SegEngine

/// The storages of a checkpoint. Each is read once, when the first tensor needs it, and tensors that are a contiguous
/// part of one share its memory.
struct CheckpointStorages {
  let archive: ZipArchive
  let entries: [String: ZipArchive.Entry]
  /// Where storages lie in the archive.
  let folder: String

  private var loaded: [Key: Flat] = [:]
  /// Elements that may still be copied. A small pickle can name the same storage any number of times.
  private var copyBudget: Int

  private struct Key: Hashable {
    let name: String
    let stored: StoredElement
  }

  /// All elements of a storage, as one axis. A class, so that tensors can keep it alive.
  private final class Flat {
    let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }
  }

  init(archive: ZipArchive, entries: [String: ZipArchive.Entry], folder: String, fileSize: Int) {
    self.archive = archive
    self.entries = entries
    self.folder = folder
    copyBudget = 16 * fileSize
  }

  /// The tensor that a view stands for.
  mutating func tensor(_ view: PickleHeap.TensorView, in heap: PickleHeap) throws(FormatFailure) -> Tensor {
    let storage = heap.storages[view.storage]
    guard let extents = heap.integers(view.extents), let strides = heap.integers(view.strides) else {
      throw FormatFailure("its shape or strides are no whole numbers")
    }
    guard extents.count == strides.count, let shape = Shape(validating: extents), view.offset >= 0,
      strides.allSatisfy({ $0 >= 0 })
    else { throw FormatFailure("an impossible shape \(extents) with strides \(strides)") }
    let flat = try flat(storage, as: view.stored)
    let claimed = storage.stored == nil ? storage.count / view.stored.byteCount : storage.count
    let available = flat.tensor.count
    guard claimed <= available else {
      throw FormatFailure("its storage \(storage.key) has \(available) elements instead of \(claimed)")
    }
    guard shape.elementCount > 0 else { return Tensor(zeros: shape, of: view.stored.elementType) }
    // The last element that the strides reach, without overflow on the way.
    var last = view.offset
    for (extent, stride) in zip(extents, strides) {
      let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = last.addingReportingOverflow(reach)
      guard !overflow, !overflow2 else { throw FormatFailure("its strides overflow") }
      last = sum
    }
    guard last < claimed else {
      throw FormatFailure("its elements reach \(last), but its storage \(storage.key) has only \(claimed)")
    }
    if isContiguous(shape, strides) {
      if view.offset == 0 && shape.elementCount == available { return flat.tensor.reshaped(to: shape) }
      // The address outlives the closure: `flat` is immutable, and the new tensor holds it.
      let start = flat.tensor.withUnsafeBytes { $0.baseAddress! + view.offset * view.stored.elementType.byteCount }
      return Tensor(shape, of: view.stored.elementType, borrowing: start, owner: flat)
    }
    guard shape.elementCount <= claimed, shape.elementCount <= copyBudget else {
      throw .unsupported("strides \(strides) that repeat elements; save it as tensor.contiguous()")
    }
    copyBudget -= shape.elementCount
    return flat.tensor.gathered(shape, strides: strides, offset: view.offset)
  }

  private func isContiguous(_ shape: Shape, _ strides: [Int]) -> Bool {
    zip(shape.dimensions, zip(strides, shape.strides)).allSatisfy { extent, stride in
      extent == 1 || stride.0 == stride.1
    }
  }

  private mutating func flat(_ storage: PickleHeap.Storage, as stored: StoredElement) throws(FormatFailure) -> Flat {
    let key = Key(name: storage.key, stored: stored)
    if let flat = loaded[key] { return flat }
    guard let entry = entries[folder + storage.key] else {
      throw FormatFailure("its storage \(storage.key) is not in the archive")
    }
    let count = entry.byteCount / stored.byteCount
    let result: Tensor
    do {
      if stored.isMemory && entry.byteCount.isMultiple(of: stored.byteCount) {
        var tensor = Tensor(uninitialized: [count], of: stored.elementType)
        let read = tensor.withUnsafeMutableBytes { bytes in
          Result { () throws(ZipArchive.Failure) in try archive.read(entry, into: bytes) }
        }
        try read.get()
        result = tensor
      } else {
        let contents = try archive.contents(of: entry)
        defer { withExtendedLifetime(contents) {} }
        let whole = UnsafeRawBufferPointer(rebasing: contents.bytes[..<(count * stored.byteCount)])
        result = stored.tensor([count], from: whole)
      }
    } catch {
      throw FormatFailure(error.reason)
    }
    let flat = Flat(result)
    loaded[key] = flat
    return flat
  }
}
