/// An algorithm that an operator could run by, and how long it was thought or seen to take: the reason why one was chosen.
public struct AlgorithmCandidate: Hashable, Sendable {
  /// The algorithm's name.
  public let name: String
  /// Its time in seconds, estimated by the machine's profile from its work.
  public let estimatedSeconds: Double
  /// The time that was measured, in seconds, where it was.
  public var measuredSeconds: Double?
  /// Bytes of its packed weights.
  public let weightByteCount: Int
  /// Bytes of its scratch memory.
  public let workspaceByteCount: Int

  /// The measured time, or else the estimated one, in seconds.
  public var seconds: Double { measuredSeconds ?? estimatedSeconds }
}
