import SegEngine

/// A ``LatencyProfile`` in the file of a machine's profile.
struct StoredLatency: Codable {
  /// The reason why a stored profile is invalid.
  struct Problem: Error { let reason: String }

  struct Grid: Codable {
    let rows, columns: [Double]
    let rates: [[Double]]

    init(_ grid: RateGrid) { (rows, columns, rates) = (grid.rows, grid.columns, grid.rates) }

    func grid(_ name: String) throws(Problem) -> RateGrid {
      guard RateGrid.isValid(rows: rows, columns: columns, rates: rates) else {
        throw Problem(reason: "\(name) is no grid of positive rates over rising extents")
      }
      return RateGrid(rows: rows, columns: columns, rates: rates)
    }
  }

  struct Model: Codable {
    let threads: Int
    /// Seconds per unit of each feature, for kinds that are not listed.
    let otherKinds: [String: Double]
    /// Seconds per unit of each feature, by kind; features that are not listed cost nothing.
    let kinds: [String: [String: Double]]
  }

  let instructionSet: String
  /// Multiply–adds per second on one core, by terms and columns.
  let panelRate, gemmRate: Grid
  /// Bytes per second, by the bytes of the working set and by threads.
  let bandwidth: Grid
  let models: [Model]

  init(_ profile: LatencyProfile) {
    instructionSet = profile.instructionSet
    panelRate = Grid(profile.roofs.panelRate)
    gemmRate = Grid(profile.roofs.gemmRate)
    bandwidth = Grid(profile.roofs.bandwidth)
    models = profile.models.map { model in
      Model(
        threads: model.threads, otherKinds: Self.named(model.fallback), kinds: model.coefficients.mapValues(Self.named))
    }
  }

  /// Makes the latency profile, with `choice` as its profile for choosing algorithms.
  func profile(choosing choice: MachineProfile) throws(Problem) -> LatencyProfile {
    let roofs = MachineRoofs(
      panelRate: try panelRate.grid("panelRate"), gemmRate: try gemmRate.grid("gemmRate"),
      bandwidth: try bandwidth.grid("bandwidth"))
    guard !models.isEmpty, zip(models, models.dropFirst()).allSatisfy({ $0.threads < $1.threads }),
      models.allSatisfy({ (1...WorkerPool.maximumThreadCount).contains($0.threads) })
    else { throw Problem(reason: "it has no models of rising numbers of threads") }
    var result: [LatencyModel] = []
    for model in models {
      var coefficients: [String: [Double]] = [:]
      for (kind, named) in model.kinds { coefficients[kind] = try Self.coefficients(named, kind) }
      result.append(
        LatencyModel(
          threads: model.threads, coefficients: coefficients,
          fallback: try Self.coefficients(model.otherKinds, "other kinds")))
    }
    return LatencyProfile(instructionSet: instructionSet, choice: choice, roofs: roofs, models: result)
  }

  private static func named(_ coefficients: [Double]) -> [String: Double] {
    Dictionary(
      uniqueKeysWithValues: zip(StepDemand.featureNames, coefficients).filter { $0.1 != 0 }.map { ($0.0, $0.1) })
  }

  private static func coefficients(_ named: [String: Double], _ kind: String) throws(Problem) -> [Double] {
    if let unknown = named.keys.sorted().first(where: { !StepDemand.featureNames.contains($0) }) {
      throw Problem(reason: "\(kind) has a coefficient for \(unknown), which is no part of a demand")
    }
    let coefficients = StepDemand.featureNames.map { named[$0] ?? 0 }
    guard LatencyModel.isValid(coefficients) else {
      throw Problem(reason: "\(kind) has a coefficient below zero or beyond all numbers")
    }
    return coefficients
  }
}
