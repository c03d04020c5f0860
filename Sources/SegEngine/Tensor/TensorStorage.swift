/// The memory behind a ``Tensor``: an allocation of its own, or memory of somebody else's, to be read (a memory-mapped weights file) or
/// written (an array that becomes a result).
///
/// `@unchecked Sendable` because of the raw pointer: the bytes are written only by `Tensor`, and only while it holds the one
/// reference to a storage that may be written.
final class TensorStorage: @unchecked Sendable {
  let bytes: UnsafeMutableRawPointer
  let byteCount: Int
  private let owner: AnyObject?
  private let ownsMemory: Bool
  let isWritable: Bool

  /// Uninitialised memory, 64-byte aligned.
  init(byteCount: Int) {
    self.byteCount = byteCount
    owner = nil
    (ownsMemory, isWritable) = (true, true)
    bytes = AlignedMemory.allocate(byteCount: byteCount)
  }

  /// Memory that `owner` keeps alive and that nobody writes.
  init(borrowing bytes: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    self.bytes = UnsafeMutableRawPointer(mutating: bytes)
    self.byteCount = byteCount
    self.owner = owner
    (ownsMemory, isWritable) = (false, false)
  }

  /// Memory that the caller keeps while this exists, and that nobody else uses.
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
