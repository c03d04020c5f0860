import ArgumentParser
import SegEngine
import SegIO

/// The command `seg calibrate`: measures the machine profile.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fits the choice between convolution algorithms and the model of latency to this machine.",
    discussion: """
      Times some thirty convolutions by every algorithm that applies, then the steps of small networks of all kinds of layers on one \
      thread and on all, which takes about a minute and a half on an otherwise idle machine, and stores the fits in the user's cache \
      directory, where the other commands find them. Without the first they use a profile that suits most machines; without the second \
      `seg estimate` and `seg design` have nothing to estimate from.
      """)

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the profile goes; by default the user's cache.", valueName: "file"))
  var output: String?

  @Flag(help: "Fit the choice between convolution algorithms alone, in a third of the time.")
  var choiceOnly = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var threads: ThreadOptions

  private struct Report: Encodable {
    let backend: String
    let threads: Int
    /// The seconds per unit of each feature on one core.
    let secondsPerUnit: [String: Double]
    let samples: Int
    let medianRelativeError: Double
    let lossOfChoice: Double
    let latency: [LatencyKind]?
    let path: String
  }

  private struct LatencyKind: Encodable {
    let kind: String
    let threads: Int
    let samples: Int
    let medianRelativeError: Double
  }

  func run() throws {
    let backend = threads.backend
    let bar = ProgressBar(total: 100)
    let share = choiceOnly ? 1 : 0.3
    let calibration = Calibration(on: backend) { bar.update(Int($0 * share * 100)) }
    let profile = calibration.profile
    let latency =
      choiceOnly
      ? nil
      : try LatencyCalibration(on: backend, choice: profile) { bar.update(Int(100 * (share + (1 - share) * $0))) }
    bar.finish()
    let path = output ?? StoredProfile.defaultPath(threads: calibration.threads)
    try Failure.writing {
      try StoredProfile(
        backend: backend.name, threads: calibration.threads, profile: profile, latency: latency?.profile
      ).write(to: path)
    }
    let errors = calibration.relativeErrors
    let report = Report(
      backend: backend.name, threads: calibration.threads,
      secondsPerUnit: Dictionary(uniqueKeysWithValues: zip(WorkEstimate.featureNames, profile.secondsPerUnit)),
      samples: calibration.samples.count, medianRelativeError: errors[errors.count / 2],
      lossOfChoice: calibration.lossOfChoice,
      latency: latency?.errors.map {
        LatencyKind(
          kind: $0.kind, threads: $0.threads, samples: $0.samples, medianRelativeError: $0.medianRelativeError)
      }, path: path)
    if json { return try printJSON(report) }
    try printLine("\(report.backend), \(report.threads) thread(s), \(report.samples) runs")
    var table = TextTable(["demand", "units a second and core"])
    for (name, seconds) in zip(WorkEstimate.featureNames, profile.secondsPerUnit) {
      table.add([name, seconds > 0 ? "\((1e-9 / seconds).fixed(2)) G" : "free"])
    }
    try printLine(table.text)
    try printLine(
      "median error of an estimate \((100 * report.medianRelativeError).fixed(0)) %; the algorithms it chooses take "
        + "\((100 * report.lossOfChoice).fixed(1)) % longer than the fastest")
    if let kinds = report.latency {
      var table = TextTable(["steps", "threads", "timed", "median error of an estimate"])
      for kind in kinds {
        table.add([
          kind.kind, "\(kind.threads)", "\(kind.samples)", "\((100 * kind.medianRelativeError).fixed(0)) %",
        ])
      }
      try printLine("\n" + table.text)
    }
    try printLine("stored in \(path)")
  }
}
