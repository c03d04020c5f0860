import ArgumentParser
import SegEngine
import SegTraining

/// The command `seg init`: designs a training for a data set, this machine and a time.
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a training's configuration for a data set, this machine and a time.",
    discussion: """
      Sizes, channels, classes and their shares are read from the data set; steps of several U-Nets are timed on this machine, and the \
      largest is taken of which enough fit into the time. The reasons are printed. The file has all choices of `seg train`.

      Example: seg init cells --minutes 15 -o cells.json; seg train cells --configuration cells.json -o run
      """)

  @Argument(help: ArgumentHelp("The folder of images and masks.", valueName: "data"))
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("The file of the configuration.", valueName: "file"))
  var output: String

  @Option(help: ArgumentHelp("The time for the training, validations included.", valueName: "number"))
  var minutes = 15.0

  @Option(
    help: ArgumentHelp("The memory for a step, as 2GB; by default half of the machine's.", valueName: "memory"))
  var memory: MemoryArgument?

  @Option(help: ArgumentHelp("The seed of weights, crops and the split.", valueName: "number"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("Threads; by default all cores.", valueName: "count"))
  var threads: Int?

  @OptionGroup(title: "Data set") var set: TrainingDataOptions

  func validate() throws {
    guard minutes > 0, minutes.isFinite else { throw ValidationError("--minutes is positive, not \(minutes)") }
  }

  func run() throws {
    var configuration = TrainingConfiguration(data: data)
    try set.apply(to: &configuration)
    if let seed { (configuration.seed, configuration.layout.seed) = (seed, seed) }
    configuration.threads = threads
    let isScaled =
      try set.range == nil && TrainingData(contentsOf: data, layout: configuration.layout).hasDeepSamples()
    if isScaled { configuration.range = .percentiles }
    let trainer = try Trainer(configuration)
    try printLine(trainer.summary)
    if isScaled {
      try printLine(
        "- samples of more than 8 bits are scaled by each image's percentiles (`--range white` where values are calibrated)"
      )
    }
    let design = try TrainingDesign(trainer, seconds: 60 * minutes, memory: memory?.byteCount ?? availableByteCount / 2)
    for reason in design.reasons { try printLine("- \(reason)") }
    try Failure.writing { try design.configuration.write(to: output) }
    try printLine("Train it: seg train \(data) --configuration \(output) -o run")
  }
}
