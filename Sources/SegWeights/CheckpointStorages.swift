import SegEngine
import SegFiles
import Synchronization

/// The location of the bytes of a checkpoint's storages.
enum StorageSource {
  /// Files in a folder of a zip archive.
  case archive(ZipArchive, folder: String)
  /// Ranges of the checkpoint file, by key.
  case ranges([String: Range<Int>], of: FileBytes)
}

/// The tensors of a checkpoint. Each storage is read once, when the first tensor needs it. Tensors that are a contiguous part of a
/// storage share its memory.
///
/// The conformance is unchecked because of libzip's handle, which only one thread may use at a time. It is used only while ``state`` is
/// locked; all other properties are constant.
final class CheckpointStorages: @unchecked Sendable {
  private let heap: PickleHeap
  private let source: StorageSource
  private let entries: [String: ZipArchive.Entry]
  private let isBigEndian: Bool
  private let state: Mutex<State>

  private struct State {
    var loaded: [Key: Flat] = [:]
    /// Copies of tensors that are not a contiguous part of a storage.
    var gathered: [Int: Tensor] = [:]
    /// The number of elements that may still be copied. It is limited because a small pickle can refer to the same storage any number of
    /// times.
    var copyBudget: Int
  }

  private struct Key: Hashable {
    let name: String
    let stored: StoredElement
  }

  /// All elements of a storage, with one axis. It is a class, so that tensors can keep it alive.
  private final class Flat: Sendable {
    let tensor: Tensor

    init(_ tensor: Tensor) { self.tensor = tensor }
  }

  init(_ heap: PickleHeap, _ source: StorageSource, fileSize: Int, isBigEndian: Bool = false) {
    self.heap = heap
    self.source = source
    self.isBigEndian = isBigEndian
    if case .archive(let archive, _) = source {
      entries = Dictionary(archive.entries.map { ($0.name, $0) }) { first, _ in first }
    } else {
      entries = [:]
    }
    // Strides of 0 repeat elements, so copies may be larger than the file. No network's weights exceed it many times.
    state = Mutex(State(copyBudget: 16 * fileSize + 1 << 20))
  }

  /// Returns the shape and type of the tensor of a view in the heap.
  func spec(of view: Int) throws(FormatFailure) -> TensorSpec {
    TensorSpec(try geometry(heap.tensors[view]).shape, heap.tensors[view].stored.elementType)
  }

  /// Returns the tensor of a view in the heap.
  func tensor(_ view: Int) throws(FormatFailure) -> Tensor {
    let result = state.withLock { state in
      Result { () throws(FormatFailure) in try tensor(view, &state) }
    }
    return try result.get()
  }

  private func geometry(_ view: PickleHeap.TensorView) throws(FormatFailure) -> (shape: Shape, strides: [Int]) {
    guard let extents = heap.integers(view.extents), let strides = heap.integers(view.strides) else {
      throw FormatFailure("its shape or strides are no whole numbers")
    }
    guard extents.count == strides.count, let shape = Shape(validating: extents), view.offset >= 0,
      strides.allSatisfy({ $0 >= 0 })
    else { throw FormatFailure("an impossible shape \(extents) with strides \(strides)") }
    return (shape, strides)
  }

  private func tensor(_ index: Int, _ state: inout State) throws(FormatFailure) -> Tensor {
    if let tensor = state.gathered[index] { return tensor }
    let view = heap.tensors[index]
    let storage = heap.storages[view.storage]
    let (shape, strides) = try geometry(view)
    let flat = try flat(storage.key, as: view.stored, &state)
    let available = flat.tensor.count
    let claimed = storage.number == nil ? storage.count / view.stored.byteCount : storage.count
    let (end, overflow) = storage.start.addingReportingOverflow(claimed)
    guard !overflow, end <= available else {
      throw FormatFailure("its storage \(storage.key) has \(available) elements instead of \(claimed)")
    }
    guard shape.elementCount > 0 else { return Tensor(zeros: shape, of: view.stored.elementType) }
    // Computes the last element that the strides reach, checking for overflow.
    var last = view.offset
    for (extent, stride) in zip(shape.dimensions, strides) {
      let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflow2) = last.addingReportingOverflow(reach)
      guard !overflow, !overflow2 else { throw FormatFailure("its strides overflow") }
      last = sum
    }
    guard last < claimed else {
      throw FormatFailure("its elements reach \(last), but its storage \(storage.key) has only \(claimed)")
    }
    let offset = storage.start + view.offset
    if isContiguous(shape, strides) {
      if offset == 0 && shape.elementCount == available { return flat.tensor.reshaped(to: shape) }
      // The address stays valid after the closure: `flat` is immutable, and the new tensor holds it.
      let start = flat.tensor.withUnsafeBytes { $0.baseAddress! + offset * view.stored.elementType.byteCount }
      return Tensor(shape, of: view.stored.elementType, borrowing: start, owner: flat)
    }
    guard shape.elementCount <= state.copyBudget else {
      throw .unsupported("strides \(strides) that repeat elements; save it as tensor.contiguous()")
    }
    state.copyBudget -= shape.elementCount
    let tensor = flat.tensor.gathered(shape, strides: strides, offset: offset)
    state.gathered[index] = tensor
    return tensor
  }

  private func isContiguous(_ shape: Shape, _ strides: [Int]) -> Bool {
    zip(shape.dimensions, zip(strides, shape.strides)).allSatisfy { extent, stride in
      extent == 1 || stride.0 == stride.1
    }
  }

  private func flat(_ name: String, as stored: StoredElement, _ state: inout State) throws(FormatFailure) -> Flat {
    let key = Key(name: name, stored: stored)
    if let flat = state.loaded[key] { return flat }
    let result: Tensor
    switch source {
    case .ranges(let ranges, let file):
      defer { withExtendedLifetime(file) {} }
      guard let range = ranges[name] else { throw FormatFailure("its storage \(name) is not in the file") }
      result = numbers(UnsafeRawBufferPointer(rebasing: file.bytes[range]), as: stored)
    case .archive(let archive, let folder):
      guard let entry = entries[folder + name] else {
        throw FormatFailure("its storage \(name) is not in the archive")
      }
      result = try numbers(of: entry, in: archive, as: stored)
    }
    let flat = Flat(result)
    state.loaded[key] = flat
    return flat
  }

  private func numbers(
    of entry: ZipArchive.Entry, in archive: ZipArchive, as stored: StoredElement
  ) throws(FormatFailure) -> Tensor {
    do {
      guard stored.isMemory, !isBigEndian, entry.byteCount.isMultiple(of: stored.byteCount) else {
        let contents = try archive.contents(of: entry)
        defer { withExtendedLifetime(contents) {} }
        return numbers(contents.bytes, as: stored)
      }
      var tensor = Tensor(uninitialized: [entry.byteCount / stored.byteCount], of: stored.elementType)
      let read = tensor.withUnsafeMutableBytes { bytes in
        Result { () throws(ZipArchive.Failure) in try archive.read(entry, into: bytes) }
      }
      try read.get()
      return tensor
    } catch {
      throw FormatFailure(error.reason)
    }
  }

  /// Converts as many numbers as `bytes` contains completely.
  private func numbers(_ bytes: UnsafeRawBufferPointer, as stored: StoredElement) -> Tensor {
    let count = bytes.count / stored.byteCount
    let whole = UnsafeRawBufferPointer(rebasing: bytes[..<(count * stored.byteCount)])
    return stored.tensor([count], from: whole, isBigEndian: isBigEndian)
  }
}
