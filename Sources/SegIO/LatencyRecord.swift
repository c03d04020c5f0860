import Foundation
import SegEngine
import SegFiles

/// The result of a check of a latency model: estimated and measured times of networks and their steps. The benchmark writes it; the
/// report reads it.
public struct LatencyRecord: Codable, Sendable {
  /// The machine with its measured rates.
  public struct Machine: Codable, Sendable {
    /// The backend's name, which includes its instruction set.
    public var backend: String
    /// The number of threads.
    public var threads: Int
    /// The highest rate of products on one core, in multiply–adds per second.
    public var multiplyAddsPerSecondAndCore: Double
    /// The bytes per second that all threads together copy (read and write), by the size of the copied data.
    public var bandwidth: [Point]

    /// A size in bytes with a rate.
    public struct Point: Codable, Sendable {
      public var bytes: Double
      public var bytesPerSecond: Double
    }

    /// Makes the description of a machine from its profile.
    public init(_ profile: LatencyProfile, backend: String, threads: Int) {
      self.backend = backend
      self.threads = threads
      multiplyAddsPerSecondAndCore = profile.roofs.peakRate
      bandwidth = profile.roofs.bandwidth.rows.map {
        Point(bytes: $0, bytesPerSecond: profile.roofs.bandwidth.rate($0, Double(threads)))
      }
    }
  }

  /// A step of a network.
  public struct Step: Codable, Sendable {
    public var name: String
    /// The operator's name.
    public var kind: String
    /// The kind of work, as in `ExecutionPlan.Step.latencyKind`.
    public var latencyKind: String
    /// The operator with its attributes.
    public var operation: String
    public var algorithm: String
    public var output: [Int]
    /// The multiply–adds by the definition of the operation.
    public var macs: Int
    /// The operations by the full counting rule.
    public var flops: Int
    /// The minimum number of bytes read and written.
    public var bytes: Int
    public var estimatedSeconds: Double
    public var measuredSeconds: Double

    /// The relative error |estimated − measured| / measured.
    public var relativeError: Double { abs(estimatedSeconds / max(measuredSeconds, 1e-9) - 1) }

    public init(_ step: ExecutionPlan.Step, estimatedSeconds: Double, measuredSeconds: Double) {
      name = step.name
      kind = step.kind
      latencyKind = step.latencyKind
      operation = step.operation
      algorithm = step.algorithm
      output = step.output.shape.dimensions
      macs = step.cost.macs
      flops = step.cost.flops
      bytes = step.cost.bytesRead + step.cost.bytesWritten
      self.estimatedSeconds = estimatedSeconds
      self.measuredSeconds = measuredSeconds
    }
  }

  /// A network at one input size.
  public struct Network: Codable, Sendable {
    public var name: String
    public var height: Int
    public var width: Int
    public var estimatedSeconds: Double
    /// The lower quartile of the run times, in seconds.
    public var measuredSeconds: Double
    public var medianSeconds: Double
    public var estimatedArenaBytes: Int
    public var arenaBytes: Int
    public var estimatedPeakBytes: Int
    /// The largest resident size of a process that compiles and runs the network, in bytes; 0 if unknown.
    public var peakBytes: Int
    /// The steps. The report's file contains those of a few networks only.
    public var steps: [Step]

    public init(
      name: String, size: Extent2D, estimate: LatencyEstimate, measuredSeconds: Double, medianSeconds: Double,
      arenaBytes: Int, peakBytes: Int, steps: [Step]
    ) {
      self.name = name
      (height, width) = (size.height, size.width)
      estimatedSeconds = estimate.seconds
      self.measuredSeconds = measuredSeconds
      self.medianSeconds = medianSeconds
      estimatedArenaBytes = estimate.plan.arenaByteCount
      self.arenaBytes = arenaBytes
      estimatedPeakBytes = estimate.peakResidentByteCount
      self.peakBytes = peakBytes
      self.steps = steps
    }

    /// The relative error |estimated − measured| / measured.
    public var relativeError: Double { abs(estimatedSeconds / max(measuredSeconds, 1e-9) - 1) }
  }

  /// The errors over all steps of one kind.
  public struct KindErrors: Codable, Sendable {
    public var kind: String
    public var steps: Int
    public var estimatedSeconds: Double
    public var measuredSeconds: Double
    public var medianRelativeError: Double
  }

  public var machine: Machine
  public var networks: [Network]
  /// The networks that were not run, each with the reason.
  public var leftOut: [String]
  /// The errors by kind of step, in descending order of total time.
  public var kinds: [KindErrors]
  /// The median relative error of all steps.
  public var medianStepError: Double
  /// The number of timed steps.
  public var stepCount: Int
  /// The steps with the largest absolute errors. Each name is prefixed with the network's name.
  public var worstSteps: [Step]

  public init(machine: Machine, networks: [Network], leftOut: [String]) {
    self.machine = machine
    self.networks = networks
    self.leftOut = leftOut
    let steps = networks.flatMap(\.steps)
    stepCount = steps.count
    medianStepError = steps.map(\.relativeError).median
    kinds = Dictionary(grouping: steps, by: \.latencyKind).map { kind, steps in
      KindErrors(
        kind: kind, steps: steps.count, estimatedSeconds: steps.reduce(0) { $0 + $1.estimatedSeconds },
        measuredSeconds: steps.reduce(0) { $0 + $1.measuredSeconds },
        medianRelativeError: steps.map(\.relativeError).median)
    }.sorted { $0.measuredSeconds > $1.measuredSeconds }
    worstSteps = Array(
      networks.flatMap { network in
        network.steps.map { step in
          var step = step
          step.name = "\(network.name) \(network.height)×\(network.width): \(step.name)"
          return step
        }
      }.sorted { abs($0.estimatedSeconds - $0.measuredSeconds) > abs($1.estimatedSeconds - $1.measuredSeconds) }
        .prefix(20))
  }

  /// The median relative error of the networks.
  public var medianNetworkError: Double { networks.map(\.relativeError).median }

  /// The rank correlation of estimated and measured times of networks (Spearman 1904); 1 if both give the same order.
  public var rankCorrelation: Double {
    Self.rankCorrelation(networks.map(\.estimatedSeconds), networks.map(\.measuredSeconds))
  }

  /// Returns the rank correlation of two series. Equal numbers have the mean of their ranks.
  public static func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "rows of one length")
    func ranks(_ values: [Double]) -> [Double] {
      let order = values.indices.sorted { values[$0] < values[$1] }
      var ranks = [Double](repeating: 0, count: values.count)
      var first = 0
      while first < order.count {
        var end = first
        while end + 1 < order.count, values[order[end + 1]] == values[order[first]] { end += 1 }
        for place in first...end { ranks[order[place]] = Double(first + end) / 2 }
        first = end + 1
      }
      return ranks
    }
    let (x, y) = (ranks(a), ranks(b))
    let mean = Double(a.count - 1) / 2
    let products = zip(x, y).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    let squares = (
      x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }, y.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    )
    let scale = (squares.0 * squares.1).squareRoot()
    return scale > 0 ? products / scale : 1
  }

  /// Reads a record.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be read or is not a record.
  public init(contentsOf path: String) throws(ProfileError) {
    let bytes: FileBytes
    do throws(FileError) {
      bytes = try FileBytes(reading: path, limit: 64 << 20)
    } catch {
      throw .file(error)
    }
    guard let record = try? JSONDecoder().decode(LatencyRecord.self, from: Data(bytes.bytes)) else {
      throw .malformed(path: path, reason: "it is no record of a latency check in JSON")
    }
    guard record.isPossible else {
      throw .malformed(path: path, reason: "it has times, sizes or rates that no machine has")
    }
    self = record
  }

  /// Whether all numbers are in the range of measurements and counts, so that arithmetic on them is safe.
  private var isPossible: Bool {
    func isTime(_ seconds: Double) -> Bool { (0...1e9).contains(seconds) }
    func isRate(_ number: Double) -> Bool { number > 0 && number <= 1e18 }
    func isCount(_ number: Int) -> Bool { (0...1 << 53).contains(number) }
    func isPossible(_ step: Step) -> Bool {
      isTime(step.estimatedSeconds) && isTime(step.measuredSeconds)
        && ([step.macs, step.flops, step.bytes] + step.output).allSatisfy(isCount)
    }
    return (1...1 << 20).contains(machine.threads) && isRate(machine.multiplyAddsPerSecondAndCore)
      && machine.bandwidth.allSatisfy { isRate($0.bytes) && isRate($0.bytesPerSecond) }
      && networks.allSatisfy { network in
        [network.estimatedSeconds, network.measuredSeconds, network.medianSeconds].allSatisfy { $0 > 0 && isTime($0) }
          && [
            network.height, network.width, network.estimatedArenaBytes, network.arenaBytes, network.estimatedPeakBytes,
            network.peakBytes,
          ].allSatisfy(isCount) && network.steps.allSatisfy(isPossible)
      }
      && kinds.allSatisfy { isCount($0.steps) && isTime($0.estimatedSeconds) && isTime($0.measuredSeconds) }
      && worstSteps.allSatisfy(isPossible) && isCount(stepCount)
  }

  /// Writes the record as JSON, completely or not at all.
  ///
  /// - Throws: ``ProfileError`` if the file cannot be written.
  public func write(to path: String) throws(ProfileError) {
    guard let data = try? JSONEncoder.settings.encode(self) else {
      throw .malformed(path: path, reason: "it holds numbers that JSON has not")
    }
    do throws(FileError) {
      try AtomicFile.create(path, containing: Array(data))
    } catch {
      throw .file(error)
    }
  }
}
