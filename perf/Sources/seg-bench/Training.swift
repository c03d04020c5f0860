import ArgumentParser
import Foundation
import SegEngine
import SegIO
import SegModels
import SegTraining

/// Times training steps, lists their parts, or trains on given tensors for comparisons.
struct Training: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Training steps: forward pass, gradients and update.",
    discussion: """
      Without --tensors the weights, images and labels are random. With --serve the step stays ready, so that it can be timed in turn with \
      other programs: a first line of JSON says that it is ready; each line of input is a number of steps, which a line of JSON with their \
      milliseconds answers.
      """)

  @Argument(help: "The network: a name, or unet and a base width, such as unet64.") var network: String
  @Option(help: "Height and width of the images.") var size = 256
  @Option(help: "Images of a batch.") var batch = 1
  @Option(help: "Classes.") var classes = 21
  @Flag(help: "With auxiliary heads, whose losses have the weight 0.5.") var auxiliary = false
  @Option(help: "Threads.") var threads = 2
  @Option(help: "sgd, adamw or lion.") var optimizer = "sgd"
  @Option(help: "The learning rate.") var rate = 1e-3
  @Option(help: "Adam's epsilon.") var epsilon = 1e-8
  @Option(help: "Bytes for the maps of a step, in MB; unlimited by default.") var budget: Int?
  @Option(help: "Steps.") var steps = 5
  @Option(help: "A safetensors file of weights, `images` and `targets` (int32).") var tensors: String?
  @Option(help: "The safetensors file for the weights after the steps.") var output: String?
  @Flag(help: "Lists the time of each part of the step.") var layers = false
  @Flag(help: "Answers requests on standard input.") var serve = false

  func run() throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: threads))
    let architecture = try chosenNetwork()
    let graph = try architecture.graph(size: Extent2D(size), auxiliary: auxiliary)
    var rule: Optimizer
    switch optimizer {
    case "sgd": rule = .sgd(momentum: 0.9, decay: 1e-4)
    case "adamw": rule = .adamW(epsilon: epsilon)
    case "lion": rule = .lion()
    default: throw ValidationError("there is no optimiser \(optimizer); there are sgd, adamw and lion")
    }
    // PyTorch's optimisers let all weights decay.
    rule.decaysAll = true
    let loss = AuxiliaryLoss(
      CrossEntropyLoss(), auxiliaryWeights: auxiliary ? architecture.auxiliaryOutputs.map { _ in 0.5 } : [])
    let start = ContinuousClock.now
    let step = try graph.training(
      loss: loss, optimizer: rule, batch: batch,
      memory: budget.map { .budget($0 << 20) } ?? .unlimited,
      options: TrainingOptions(dropout: false, compilation: CompileOptions(profile: .stored(for: backend))), on: backend
    )
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var (state, images, targets) = try operands(step)
    func time() throws -> (milliseconds: Double, loss: Double) {
      let start = ContinuousClock.now
      let result = try step.run(images, targets, &state, rate: rate)
      return (1000 * ((ContinuousClock.now - start) / .seconds(1)), result.loss)
    }
    if serve {
      _ = try time()
      answer(["arena_bytes": Double(step.model.arenaByteCount), "compile_seconds": seconds, "peak_bytes": peakBytes])
      while let line = readLine(), let count = Int(line) {
        let times = try (0..<count).map { _ in try time().milliseconds }
        answer(["milliseconds": times, "peak_bytes": [peakBytes]])
      }
      return
    }
    print("compiled in \(seconds.formatted(2)) s, arena \((Double(step.model.arenaByteCount) / 1e6).formatted(0)) MB")
    for index in 0..<steps {
      let (milliseconds, loss) = try time()
      print("step \(index): loss \(loss), \(milliseconds.formatted(1)) ms")
    }
    print("peak \((peakBytes / 1e6).formatted(0)) MB")
    if let output { try state.parameters.write(to: output) }
    if layers { try list(step, images, targets) }
  }

  private func chosenNetwork() throws -> any SegmentationNetwork {
    var network: any SegmentationNetwork
    if self.network.hasPrefix("unet"), let base = Int(self.network.dropFirst(4)) {
      var unet = UNet()
      unet.widths = (0..<5).map { base << $0 }
      network = unet
    } else if let description = ModelRegistry.find(self.network) {
      network = description.network
    } else {
      throw ValidationError("there is no network \(self.network)")
    }
    network.classes = classes
    return network
  }

  private func operands(_ step: TrainingStep) throws -> (TrainingState, Tensor, Tensor) {
    if let tensors {
      var given = try Parameters(contentsOf: tensors)
      guard let images = given.tensors.removeValue(forKey: "images"),
        let targets = given.tensors.removeValue(forKey: "targets")
      else { throw ValidationError("\(tensors) has no images and targets") }
      let labels = targets.elements(of: Int32.self).map { UInt16(truncatingIfNeeded: $0) }
      return (try TrainingState(step, weights: given), images, Tensor(step.targetShape, labels))
    }
    var generator = SeededGenerator(seed: 2)
    let images = Tensor(
      step.imageShape,
      (0..<step.imageShape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) })
    let targets = Tensor(
      step.targetShape,
      (0..<step.targetShape.elementCount).map { _ in UInt16.random(in: 0..<UInt16(classes), using: &generator) })
    return (TrainingState(initializing: step, seed: 1), images, targets)
  }

  private func list(_ step: TrainingStep, _ images: Tensor, _ targets: Tensor) throws {
    let given = [
      "image": images, "targets": targets, "rate": Tensor([1], [Float(rate)]), "time": Tensor([1], [Float(0)]),
    ]
    let times = try step.model.profile(step.model.inputs.map { given[$0.name]! }, rounds: 5)
    let rows = zip(step.model.stepInfos, times).map { ($0, $1.sorted()[$1.count / 2]) }.sorted { $0.1 > $1.1 }
    for (info, seconds) in rows {
      print(
        "\((1000 * seconds).formatted(2).padded(8)) \(info.name) | \(info.operation) | \(info.algorithm) | \(info.output)"
      )
    }
  }

  private var peakBytes: Double { Double(ResidentMemory.peak) }

  private func answer(_ values: [String: Any]) {
    guard let data = try? JSONSerialization.data(withJSONObject: values) else { return }
    FileHandle.standardOutput.write(data + Data("\n".utf8))
  }
}
