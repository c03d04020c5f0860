import SegEngine

/// A design with what it is told to take.
public struct RatedDesign: Sendable {
  /// The design.
  public let design: NetworkDesign
  /// Its time and memory.
  public let estimate: LatencyEstimate
  /// Values that training changes, statistics aside.
  public let parameterCount: Int
  /// Pixels along the height that the encoder's coarsest map sees; `nil` for the whole image.
  public let receptiveField: Int?

  /// What a front is sought in, all to be small: time and memory as they are, and what speaks for a network's result (parameters, receptive
  /// field up to the image, stride of the coarsest map, pixels seen) with its sign turned where more is better.
  public var objectives: [Double] { [estimate.seconds, Double(estimate.peakResidentByteCount)] + merits }

  /// What speaks for a network's result, all to be small.
  public var merits: [Double] {
    let size = design.size
    return [
      -Double(parameterCount), -Double(min(receptiveField ?? size.height, size.height)), Double(design.outputStride),
      -Double(size.height * size.width),
    ]
  }
}

/// Looks for networks that keep a budget of time and memory, by a machine's latency profile.
public struct DesignSearch: Sendable {
  /// What a network may take at most.
  public struct Budget: Hashable, Sendable {
    /// Seconds of a run.
    public let seconds: Double
    /// Bytes of the largest resident size.
    public let byteCount: Int

    /// States a budget.
    public init(seconds: Double, byteCount: Int) {
      self.seconds = seconds
      self.byteCount = byteCount
    }
  }

  /// All designs that fit together, rated, in the space's order.
  public let rated: [RatedDesign]
  /// Those that keep the budget and that no other dominates, the fastest first.
  public let front: [RatedDesign]
  /// The best of the front by the sum of their places in what speaks for a network's result, of a family one each.
  public let best: [RatedDesign]

  /// Rates designs for a backend's threads. `progress` is told the number that is done.
  public init(
    _ designs: [NetworkDesign], within budget: Budget, by profile: LatencyProfile, on backend: any Backend,
    best count: Int = 3, progress: (Int) -> Void = { _ in }
  ) throws {
    let options = CompileOptions(profile: profile.choice)
    var rated: [RatedDesign] = []
    for (index, design) in designs.enumerated() {
      defer { progress(index + 1) }
      // A network that such a small image cannot pass is no design for it.
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
    let places = ParetoFront.placeSums(front.map(\.merits))
    var best: [RatedDesign] = []
    for index in front.indices.sorted(by: { places[$0] < places[$1] }) where best.count < count {
      if !best.contains(where: { $0.design.family == front[index].design.family }) { best.append(front[index]) }
    }
    self.best = best
  }
}

extension SegmentationNetwork {
  /// The extent along the height of the receptive field of the encoder's last feature map; `nil` where that is the whole image.
  public func receptiveFieldOfEncoder() throws -> Int? {
    let graph = try Graph("encoder") { g in
      // The size matters as little as the stride divides it.
      let maps = encoder(g.input("image", [1, 256, 256, inputChannels]))
      g.output("last", maps[features.count - 1])
    }
    if let field = try ReceptiveFields(graph)[output: "last"], !field.isGlobal { return field.height.size }
    return nil
  }
}
