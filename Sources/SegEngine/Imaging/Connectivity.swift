/// The neighbours that a pixel is connected to.
public enum Connectivity: Sendable, Hashable, CaseIterable {
  /// The four pixels that share an edge with it.
  case four
  /// The eight pixels that share an edge or a corner with it.
  case eight

  /// How far a run of pixels reaches beyond its ends to neighbours in the rows above and below, in pixels.
  package var reach: Int { self == .eight ? 1 : 0 }
}
