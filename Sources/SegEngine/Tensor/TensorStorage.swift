/// The memory behind a ``Tensor``: an allocation of its own, or a part of something that another object keeps alive
/// (a memory-mapped weights file).
///
/// `@unchecked Sendable` because of the raw pointer: the bytes are written only by `Tensor`, and only while it holds the one
/// reference to a storage that owns its memory.
final class TensorStorage: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let byteCount: Int
  private let owner: AnyObject?

  /// Uninitialised memory, 64-byte aligned.
  init(byteCount: Int) {
    self.byteCount = byteCount
    self.owner = nil
    bytes = AlignedMemory.allocate(byteCount: byteCount)
  }

  /// Memory that `owner` keeps alive and that nobody writes.
  init(borrowing bytes: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    self.bytes = UnsafeMutableRawPointer(mutating: bytes)
    self.byteCount = byteCount
    self.owner = owner
  }

  var isWritable: Bool { owner == nil }

  func copy() -> TensorStorage {
    let copy = TensorStorage(byteCount: byteCount)
    copy.bytes.copyMemory(from: bytes, byteCount: byteCount)
    return copy
  }

  deinit {
    if owner == nil { bytes.deallocate() }
  }
}
