/// The memory of a ``Tensor``: its own allocation, or borrowed memory, either read-only (a memory-mapped weights file)
/// or writable (an array that receives a result).
///
/// `@unchecked Sendable` because of the raw pointer: only `Tensor` writes the bytes, and only while it holds the only
/// reference to a writable storage.
final class TensorStorage: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let byteCount: Int
  private let owner: AnyObject?
  private let ownsMemory: Bool
  let isWritable: Bool

  /// Allocates uninitialised memory, aligned to 64 bytes.
  init(byteCount: Int) {
    self.byteCount = byteCount
    owner = nil
    (ownsMemory, isWritable) = (true, true)
    bytes = AlignedMemory.allocate(byteCount: byteCount)
  }

  /// Borrows read-only memory that `owner` keeps alive.
  init(borrowing bytes: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    self.bytes = UnsafeMutableRawPointer(mutating: bytes)
    self.byteCount = byteCount
    self.owner = owner
    (ownsMemory, isWritable) = (false, false)
  }

  /// Borrows writable memory that the caller keeps while this object exists, without accessing it.
  init(writingTo bytes: UnsafeMutableRawPointer, byteCount: Int) {
    self.bytes = bytes
    self.byteCount = byteCount
    owner = nil
    (ownsMemory, isWritable) = (false, true)
  }

  func copy() -> TensorStorage {
    let copy = TensorStorage(byteCount: byteCount)
    copy.bytes.copyMemory(from: bytes, byteCount: byteCount)
    return copy
  }

  deinit {
    if ownsMemory { bytes.deallocate() }
  }
}
