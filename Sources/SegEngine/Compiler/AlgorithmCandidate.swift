/// An algorithm that an operator could use, with its estimated and measured time, on which the choice is based.
public struct AlgorithmCandidate: Hashable, Sendable {
  /// The algorithm's name.
  public let name: String
  /// The time in seconds, estimated from its work by the machine profile.
  public let estimatedSeconds: Double
  /// The measured time in seconds; `nil` if it was not measured.
  public var measuredSeconds: Double?
  /// Bytes of its packed weights.
  public let weightByteCount: Int
  /// Bytes of its scratch memory.
  public let workspaceByteCount: Int

  /// The measured time if there is one, else the estimated one, in seconds.
  public var seconds: Double { measuredSeconds ?? estimatedSeconds }
}
