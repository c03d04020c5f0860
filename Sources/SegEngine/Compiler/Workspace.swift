/// The memory of one run: the arena with all intermediate tensors, and the addresses of every buffer.
///
/// A compiled model can be run by several threads at once, each with a workspace of its own.
public final class Workspace {
  let arena: UnsafeMutableRawPointer
  let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let addressCount: Int

  /// Size of the arena in bytes.
  public let byteCount: Int

  init(byteCount: Int, bufferCount: Int) {
    self.byteCount = byteCount
    arena = AlignedMemory.allocate(byteCount: byteCount)
    addressCount = max(bufferCount, 1)
    addresses = .allocate(capacity: addressCount)
    addresses.initialize(repeating: arena, count: addressCount)
  }

  deinit {
    addresses.deallocate()
    arena.deallocate()
  }
}

/// Workspaces that wait for the next run.
///
/// `@unchecked Sendable`: a workspace is in the list or with the one caller that took it, never both.
struct ParkedWorkspaces: @unchecked Sendable {
  var list: [Workspace] = []
}
