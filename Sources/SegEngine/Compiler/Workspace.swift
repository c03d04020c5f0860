/// The memory of one run: the arena with all intermediate tensors, and the addresses of every buffer.
///
/// A compiled model can be run by several threads at once, each with a workspace of its own. It belongs to the model that made it
/// (``CompiledModel/makeWorkspace()``): the addresses of that one's constants are in it.
public final class Workspace {
  /// Stands for a model: the workspaces that one made hold its token. They do not hold the model itself, which keeps them between runs.
  final class Token: Sendable {}

  let token: Token
  let arena: UnsafeMutableRawPointer
  let addresses: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let addressCount: Int

  /// Size of the arena in bytes.
  public let byteCount: Int

  init(byteCount: Int, bufferCount: Int, token: Token) {
    self.token = token
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
