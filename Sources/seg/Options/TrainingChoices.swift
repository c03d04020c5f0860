import ArgumentParser
import SegEngine
import SegIO
import SegModels
import SegTraining

extension TrainingConfiguration.OptimizerName: ExpressibleByArgument {}
extension TrainingConfiguration.ClassWeighting: ExpressibleByArgument {}
extension LearningRateSchedule.Curve: ExpressibleByArgument {}

/// The network, loss, optimiser and steps of a training on the command line.
struct TrainingChoices: ParsableArguments {
  @Option(help: ArgumentHelp("The network, by name; by default a small U-Net.", valueName: "name"))
  var model: String?

  @Option(help: ArgumentHelp("The channels of each level of a U-Net, as 16,32,64,128.", valueName: "numbers"))
  var widths: String?

  @Option(help: ArgumentHelp("Weights to begin with; a head for other classes is drawn anew.", valueName: "file"))
  var weights: String?

  @Option(
    help: ArgumentHelp("Beginnings of the names of weights that do not change, as backbone.,inc.", valueName: "names"))
  var freeze: String?

  @Option(help: ArgumentHelp("Train for about this long, validations included.", valueName: "number"))
  var minutes: Double?

  @Option(help: ArgumentHelp("The number of steps; by default 600.", valueName: "count"))
  var steps: Int?

  @Option(help: ArgumentHelp("The number of steps, as passes over the images.", valueName: "count"))
  var epochs: Int?

  @Option(help: ArgumentHelp("The steps between validations; by default 100.", valueName: "count"))
  var interval: Int?

  @Option(help: ArgumentHelp("Height and width of the crops of a step; by default 128.", valueName: "pixels"))
  var crop: Int?

  @Option(help: ArgumentHelp("The crops of a step; by default 8.", valueName: "count"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "The share of crops centred on a pixel that is not background; by default 0.5.", valueName: "share"))
  var foreground: Double?

  @Option(help: ArgumentHelp("The changes of crops: `orientations`, `photographs` or `none`.", valueName: "name"))
  var augmentation: AugmentationName?

  @Option(
    help: ArgumentHelp(
      "The loss: ce, focal, dice, jaccard, tversky, lovasz, or a sum such as ce+0.5*dice; by default ce+dice.",
      valueName: "sum"))
  var loss: String?

  @Option(help: "The weights of classes in cross-entropy, from their frequencies.")
  var classWeights: TrainingConfiguration.ClassWeighting?

  @Option(help: "The optimiser; by default adamw.")
  var optimizer: TrainingConfiguration.OptimizerName?

  @Option(help: ArgumentHelp("The largest learning rate; by default 0.002.", valueName: "number"))
  var rate: Double?

  @Option(help: "How the learning rate falls; by default poly.")
  var schedule: LearningRateSchedule.Curve?

  @Option(help: ArgumentHelp("The steps in which the rate rises from 0.", valueName: "count"))
  var warmup: Int?

  @Option(help: ArgumentHelp("The weight decay; by default 0.0001.", valueName: "number"))
  var decay: Double?

  @Option(
    help: ArgumentHelp(
      "Lower rates for early layers: the factor between neighbouring twelfths of the depth, as 0.75.",
      valueName: "number"))
  var layerDecay: Double?

  @Option(
    help: ArgumentHelp(
      "The decay of an average of the weights, which is then the network, as 0.99.", valueName: "number"))
  var ema: Double?

  @Option(help: ArgumentHelp("The weight of the losses of auxiliary heads, as 0.4.", valueName: "number"))
  var auxiliary: Double?

  @Option(help: ArgumentHelp("Validations without a better mean IoU after which training ends.", valueName: "count"))
  var patience: Int?

  @Option(help: ArgumentHelp("The memory for the maps of a step, as 500MB or 2GB.", valueName: "memory"))
  var memory: MemoryArgument?

  @Option(help: ArgumentHelp("The seed of weights, crops and the split.", valueName: "number"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Threads; by default all cores.", valueName: "count"))
  var threads: Int?

  /// The sets of changes of crops.
  enum AugmentationName: String, ExpressibleByArgument, CaseIterable {
    case orientations, photographs, none

    var value: Augmentation {
      switch self {
      case .orientations: .anyOrientation
      case .photographs: .photographs
      case .none: .none
      }
    }
  }

  var isEmpty: Bool {
    let texts = [model, widths, weights, freeze, loss]
    let counts = [steps, epochs, interval, crop, batch, warmup, patience, threads]
    let numbers = [minutes, foreground, rate, decay, ema, auxiliary, layerDecay]
    return texts.allSatisfy { $0 == nil } && counts.allSatisfy { $0 == nil } && numbers.allSatisfy { $0 == nil }
      && augmentation == nil && classWeights == nil && optimizer == nil && schedule == nil && seed == nil
      && memory == nil
  }

  func validate() throws {
    if [minutes != nil, steps != nil, epochs != nil].count(where: { $0 }) > 1 {
      throw ValidationError("--minutes, --steps and --epochs exclude each other")
    }
    if let epochs, epochs < 1 { throw ValidationError("--epochs is positive, not \(epochs)") }
    if let minutes, !(minutes > 0 && minutes.isFinite) {
      throw ValidationError("--minutes is positive, not \(minutes)")
    }
    if let widths, widthList == nil { throw ValidationError("--widths are two or more numbers, not \(widths)") }
    if widths != nil, let model, model != "unet" { throw ValidationError("--widths belong to --model unet") }
  }

  private var widthList: [Int]? {
    guard let widths else { return nil }
    let numbers = widths.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    return numbers.count >= 2 && numbers.allSatisfy { ($0 ?? 0) > 0 } ? numbers.compactMap { $0 } : nil
  }

  func apply(to configuration: inout TrainingConfiguration) throws {
    func set<Value>(_ path: WritableKeyPath<TrainingConfiguration, Value>, _ value: Value?) {
      if let value { configuration[keyPath: path] = value }
    }
    set(\.network, model)
    if model != nil { configuration.widths = nil }
    if let widthList { configuration.widths = widthList }
    set(\.weights, weights.map(Optional.some))
    set(\.frozen, freeze.map { $0.split(separator: ",").map(String.init) })
    set(\.steps, steps)
    set(\.interval, interval ?? steps.map { min(100, max(1, $0 / 2)) })
    set(\.crops.size, crop)
    set(\.crops.foreground, foreground)
    set(\.batch, batch)
    set(\.augmentation, augmentation?.value)
    set(\.loss, loss)
    set(\.classWeighting, classWeights)
    set(\.optimizer, optimizer)
    set(\.rate, rate)
    set(\.schedule.curve, schedule)
    set(\.schedule.warmup, warmup)
    set(\.decay, decay)
    set(\.averaging, ema.map(Optional.some))
    set(\.auxiliaryWeight, auxiliary.map(Optional.some))
    set(\.patience, patience.map(Optional.some))
    set(\.memory, memory.map { Optional($0.byteCount) })
    set(\.layerDecay, layerDecay.map(Optional.some))
    if let seed { (configuration.seed, configuration.layout.seed) = (seed, seed) }
    set(\.threads, threads.map(Optional.some))
  }
}
