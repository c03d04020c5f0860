/// The work of a step, as the features that a ``LatencyModel`` has coefficients for: seconds at a measured roof if
/// there is one, otherwise counts.
public struct StepDemand: Hashable, Sendable {
  /// The kind whose coefficients apply: the name of a convolution algorithm, or of an operator.
  public let kind: String
  /// The features, in the order of ``featureNames``.
  public let features: [Double]

  /// The names of the features in files and reports.
  public static let featureNames = [
    "steps", "panel_seconds", "panel_results", "gemm_seconds", "vector_operations", "cache_bytes",
    "repeated_weight_bytes",
    "weight_seconds", "activation_seconds", "operations", "other_macs",
  ]

  /// Creates a demand.
  ///
  /// - Precondition: There is one number for each feature.
  public init(kind: String, features: [Double]) {
    precondition(features.count == StepDemand.featureNames.count, "\(StepDemand.featureNames.count) features")
    self.kind = kind
    self.features = features
  }

  /// The work of a planned step on a machine. Arithmetic and traffic of per-core caches are divided among the threads.
  /// `footprint` is the bytes accessed between two uses of the step's weights: those of all weights and maps.
  public init(_ step: ExecutionPlan.Step, roofs: MachineRoofs, threads: Int, footprint: Int) {
    let cores = Double(threads)
    let work = step.work ?? WorkEstimate()
    let columns = Double(max(1, work.columns))
    // The depth of the product: multiply–adds per computed result, padding included.
    let depth = work.panelResults > 0 ? work.panelMacs / work.panelResults : 1
    let gemmDepth = work.gemmMacs > 0 ? work.gemmMacs / max(1, Double(step.output.shape.elementCount)) : 1
    let bytes = Double(step.activationByteCount)
    self.init(
      kind: step.latencyKind,
      features: [
        1,
        work.panelMacs / roofs.panelRate.rate(depth, columns) / cores,
        work.panelResults / cores,
        work.gemmMacs / roofs.gemmRate.rate(gemmDepth, columns) / cores,
        work.vectorOperations / cores,
        work.bytesMoved / cores,
        work.weightBytes / cores,
        Double(step.weightByteCount) / roofs.bandwidth.rate(Double(footprint), cores),
        bytes / roofs.bandwidth.rate(bytes, cores),
        Double(step.cost.otherOperations) / cores,
        step.work == nil ? Double(step.cost.macs) / cores : 0,
      ])
  }
}

extension ExecutionPlan {
  /// The work of each step on a machine, for the planned number of threads or another one.
  func demands(roofs: MachineRoofs, threads: Int? = nil) -> [StepDemand] {
    let footprint = residentByteCount
    return steps.map { StepDemand($0, roofs: roofs, threads: threads ?? self.threads, footprint: footprint) }
  }
}
