import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels

/// Measures how accurately the latency model estimates time and memory of networks that it was not calibrated on.
struct Latency: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Estimates networks, then runs them, and writes how far the estimates are off.",
    discussion: """
      Needs a profile, which `seg calibrate` makes. Each network runs in a process of its own, one after the other. A network that is \
      estimated to take longer than --longest is left out, and named.
      """)

  @Argument(help: "Networks: names, or ONNX files; by default all that are named.") var networks: [String] = []
  @Option(help: "Heights and widths of images, with commas between.") var sizes = "256,384,512"
  @Option(help: "Threads.") var threads = 2
  @Option(help: "A profile; by default this machine's.") var profile: String?
  @Option(help: "Seconds that a run may be estimated to take.") var longest = 1.0
  @Option(help: "Where the record goes.") var output: String
  @Flag(help: "Add to the record that is there, instead of those of the same network and size.") var merge = false
  @Flag(help: "Keep the steps of all networks in the record, for a --merge to come.") var keepSteps = false

  /// The networks whose steps the record contains, at the middle size.
  private static let kept = [
    "unet", "lraspp-mobilenet-v3-large", "deeplabv3-resnet50", "fpn-resnet34", "segformer-b0", "bisenetv2", "enet",
    "deeplabv3plus-mobilenet-v2",
  ]

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    let path = profile ?? StoredProfile.defaultPath(threads: threads)
    guard let latency = try StoredProfile(contentsOf: path).latency else {
      throw ValidationError("\(path) has no model of latency: run seg calibrate")
    }
    let sides = sizes.split(separator: ",").compactMap { Int($0) }
    guard !sides.isEmpty, sides.allSatisfy({ (16...4096).contains($0) }) else {
      throw ValidationError("--sizes are numbers from 16 to 4096, not \(sizes)")
    }
    var results: [LatencyRecord.Network] = []
    var leftOut: [String] = []
    if merge, FileManager.default.fileExists(atPath: output) {
      let record = try LatencyRecord(contentsOf: output)
      (results, leftOut) = (record.networks, record.leftOut)
    }
    let options = CompileOptions(profile: latency.choice)
    for name in networks.isEmpty ? ModelRegistry.all.map(\.name) : networks {
      for side in name.hasSuffix(".onnx") ? [0] : sides {
        let graph: Graph
        do {
          graph = try MeasuredNetwork.graph(name, side: side)
        } catch {
          leftOut.append("\(name) \(side)×\(side): too small for it")
          continue
        }
        let estimate = latency.estimate(try graph.plan(on: backend, options: options))
        let label = (name as NSString).pathComponents.suffix(2).joined(separator: "/")
        guard estimate.seconds <= longest else {
          leftOut.append("\(label) \(side)×\(side): estimated to take \(estimate.seconds.formatted(1)) s")
          continue
        }
        let measured = try MeasuredNetwork.inProcess(name, side: side, threads: threads, profile: path)
        let steps = zip(zip(estimate.plan.steps, estimate.stepSeconds), measured.stepSeconds).map {
          LatencyRecord.Step($0.0, estimatedSeconds: $0.1, measuredSeconds: $1)
        }
        let input = estimate.plan.inputs[0].shape
        let size = name.hasSuffix(".onnx") ? Extent2D(height: input[2], width: input[3]) : Extent2D(side)
        let result = LatencyRecord.Network(
          name: label, size: size, estimate: estimate, measuredSeconds: measured.runs.lowerQuartile,
          medianSeconds: measured.runs.median, arenaBytes: measured.arenaBytes,
          peakBytes: measured.peakBytes, steps: steps)
        results.removeAll { $0.name == result.name && $0.height == result.height && $0.width == result.width }
        results.append(result)
        print(
          "\(label) \(side)×\(side)".padded(44)
            + "estimated \((1000 * result.estimatedSeconds).formatted(1)) ms, measured "
            + "\((1000 * result.measuredSeconds).formatted(1)) ms (median \((1000 * result.medianSeconds).formatted(1))), ratio "
            + "\((result.estimatedSeconds / result.measuredSeconds).formatted(2)); arena "
            + (result.arenaBytes == result.estimatedArenaBytes ? "as told" : "\(result.arenaBytes) bytes instead")
            + ", peak \((Double(result.estimatedPeakBytes) / Double(max(1, result.peakBytes))).formatted(2))")
      }
    }
    var record = LatencyRecord(
      machine: .init(latency, backend: backend.name, threads: threads), networks: results, leftOut: leftOut)
    print("\nmedian error of \(record.networks.count) networks: \((100 * record.medianNetworkError).formatted(1)) %")
    print("median error of \(record.stepCount) steps: \((100 * record.medianStepError).formatted(1)) %")
    print("rank correlation: \(record.rankCorrelation.formatted(3))")
    for kind in record.kinds {
      print(
        kind.kind.padded(28) + "\(kind.steps)".leftPadded(6)
          + "\((1000 * kind.measuredSeconds).formatted(1)) ms".leftPadded(14)
          + "  estimated/measured \((kind.estimatedSeconds / kind.measuredSeconds).formatted(2)), median error "
          + "\((100 * kind.medianRelativeError).formatted(0)) %")
    }
    for step in record.worstSteps {
      print(
        "\(step.name) \(step.operation) [\(step.algorithm)]: \((1000 * step.estimatedSeconds).formatted(2)) ms, measured "
          + "\((1000 * step.measuredSeconds).formatted(2)) ms")
    }
    if !keepSteps {
      let middle = sides[sides.count / 2]
      for index in record.networks.indices
      where !Latency.kept.contains(record.networks[index].name) || record.networks[index].height != middle {
        record.networks[index].steps = []
      }
    }
    try record.write(to: output)
  }
}

/// Time and memory of a network, measured in a separate process.
struct MeasuredNetwork: Codable {
  /// The seconds of each run.
  let runs: [Double]
  /// The seconds of each step.
  let stepSeconds: [Double]
  let arenaBytes: Int
  /// The largest resident size of the process in bytes.
  let peakBytes: Int

  /// Makes the graph of a named network for images of `side`² pixels, or of an ONNX file.
  static func graph(_ name: String, side: Int) throws -> Graph {
    if name.hasSuffix(".onnx") { return try Graph(onnx: name) }
    guard let model = ModelRegistry.find(name) else { throw ValidationError("there is no network \(name)") }
    return try model.makeGraph(Extent2D(side))
  }

  /// Runs this program again, in a new process, to measure one network.
  static func inProcess(_ name: String, side: Int, threads: Int, profile: String) throws -> MeasuredNetwork {
    let process = Process()
    process.executableURL = URL(filePath: Bundle.main.executablePath ?? CommandLine.arguments[0])
    process.arguments = ["measure", name, "--side", "\(side)", "--threads", "\(threads)", "--profile", profile]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ValidationError("\(name) could not be measured") }
    return try JSONDecoder().decode(MeasuredNetwork.self, from: data)
  }

  /// Compiles a network with random weights and runs it. The weights are released after compilation.
  init(_ name: String, side: Int, threads: Int, profile: String) throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    let options = CompileOptions(profile: try StoredProfile(contentsOf: profile).profile)
    var graph: Graph? = try MeasuredNetwork.graph(name, side: side)
    var parameters: Parameters? = Parameters(repeatingNumbersFor: graph!)
    let model = try graph.take()!.compiled(parameters: parameters.take()!, on: backend, options: options)
    let inputs = model.inputs.map { Tensor($0.spec.shape, repeating: Float(0.5)) }
    runs = try model.runSeconds(inputs, lasting: 0.4)
    arenaBytes = model.arenaByteCount
    peakBytes = ResidentMemory.peak
    let rounds = max(3, min(15, Int(0.3 / max(runs[0], 1e-6))))
    stepSeconds = try model.profile(inputs, rounds: rounds).map(\.lowerQuartile)
  }
}

/// The command that a process started by ``Latency`` runs.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs one network and prints its times as JSON.", shouldDisplay: false)

  @Argument(help: "The network.") var network: String
  @Option(help: "Height and width of the image.") var side: Int
  @Option(help: "Threads.") var threads: Int
  @Option(help: "The profile.") var profile: String

  func run() throws {
    let measured = try MeasuredNetwork(network, side: side, threads: threads, profile: profile)
    print(String(decoding: try JSONEncoder().encode(measured), as: UTF8.self))
  }
}
