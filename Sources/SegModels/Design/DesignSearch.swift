import SegEngine

/// Searches for networks within a budget of time and memory, using a machine's latency profile.
public struct DesignSearch: Sendable {
  /// The maximum cost of a network.
  public struct Budget: Hashable, Sendable {
    /// Seconds per run.
    public let seconds: Double
    /// Peak resident memory in bytes.
    public let byteCount: Int

    /// Creates a budget.
    public init(seconds: Double, byteCount: Int) {
      self.seconds = seconds
      self.byteCount = byteCount
    }
  }

  /// All valid designs with their estimates, in the order of the design space.
  public let rated: [RatedDesign]
  /// The designs within the budget that are not dominated by another, the fastest first.
  public let front: [RatedDesign]
  /// The best designs of the front by the sum of their ranks in ``RatedDesign/merits``, one per family.
  public let best: [RatedDesign]

  /// Estimates all designs for the threads of a backend. `progress` is called with the number of finished designs.
  public init(
    _ designs: [NetworkDesign], within budget: Budget, by profile: LatencyProfile, on backend: any Backend,
    best count: Int = 3, progress: (Int) -> Void = { _ in }
  ) throws {
    let options = CompileOptions(profile: profile.choice)
    var rated: [RatedDesign] = []
    for (index, design) in designs.enumerated() {
      defer { progress(index + 1) }
      // Skip designs whose network does not support such a small image.
      guard let graph = try? design.makeGraph() else { continue }
      let estimate = profile.estimate(try graph.plan(on: backend, options: options))
      rated.append(
        RatedDesign(
          design: design, estimate: estimate, parameterCount: try GraphSummary(graph).trainableParameterCount,
          receptiveField: try design.network.receptiveFieldOfEncoder()))
    }
    let fitting = rated.filter {
      $0.estimate.seconds <= budget.seconds && $0.estimate.peakResidentByteCount <= budget.byteCount
    }
    let front = ParetoFront.indices(fitting.map(\.objectives)).map { fitting[$0] }
    self.rated = rated
    self.front = front.sorted { $0.estimate.seconds < $1.estimate.seconds }
    let ranks = ParetoFront.rankSums(front.map(\.merits))
    var best: [RatedDesign] = []
    for index in front.indices.sorted(by: { ranks[$0] < ranks[$1] }) where best.count < count {
      if !best.contains(where: { $0.design.family == front[index].design.family }) { best.append(front[index]) }
    }
    self.best = best
  }
}

extension SegmentationNetwork {
  /// The height of the receptive field of the encoder's last feature map, in pixels; `nil` for the whole image.
  public func receptiveFieldOfEncoder() throws -> Int? {
    let graph = try Graph("encoder") { g in
      // The result does not depend on the image's size as long as the stride divides it.
      let maps = encoder(g.input("image", [1, 256, 256, inputChannels]))
      g.output("last", maps[features.count - 1])
    }
    if let field = try ReceptiveFields(graph)[output: "last"], !field.isGlobal { return field.height.size }
    return nil
  }
}
