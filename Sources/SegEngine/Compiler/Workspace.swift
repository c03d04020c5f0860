/// The memory of one run: the arena of all intermediate values, and the addresses of all buffers.
///
/// A compiled model can be run by several threads at once, each with its own workspace. A workspace belongs to the model that made it
/// (``CompiledModel/makeWorkspace()``), because it has the addresses of that model's constants.
public final class Workspace {
  /// The identity of a model. A workspace holds the token of the model that made it, not the model, which keeps workspaces between runs.
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

/// Workspaces that are kept for the next runs.
///
/// `@unchecked Sendable`: a workspace is either in the list or owned by one caller.
struct ParkedWorkspaces: @unchecked Sendable {
  var list: [Workspace] = []
}
