import ArgumentParser
import SegEngine
import SegIO

/// `seg calibrate`: how fast this machine is at what the algorithms demand.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "Fits the choice between convolution algorithms to this machine.",
    discussion: """
      Times some thirty convolutions by every algorithm that applies, which takes about half a minute on an otherwise idle machine, \
      and stores the fit in the user's cache directory, where the other commands find it. Without it they use a profile that suits \
      most machines.
      """)

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where the profile goes; by default the user's cache.", valueName: "file"))
  var output: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var threads: ThreadOptions

  private struct Report: Encodable {
    let backend: String
    let threads: Int
    /// Seconds a unit on one core, by feature.
    let secondsPerUnit: [String: Double]
    let samples: Int
    let medianRelativeError: Double
    let lossOfChoice: Double
    let path: String
  }

  func run() throws {
    let backend = threads.backend
    let bar = ProgressBar(total: 100)
    let calibration = Calibration(on: backend) { bar.update(Int($0 * 100)) }
    bar.finish()
    let path = output ?? StoredProfile.defaultPath(threads: calibration.threads)
    let profile = calibration.profile
    try Failure.writing {
      try StoredProfile(backend: backend.name, threads: calibration.threads, profile: profile).write(to: path)
    }
    let errors = calibration.relativeErrors
    let report = Report(
      backend: backend.name, threads: calibration.threads,
      secondsPerUnit: Dictionary(uniqueKeysWithValues: zip(AlgorithmDemand.featureNames, profile.secondsPerUnit)),
      samples: calibration.samples.count, medianRelativeError: errors[errors.count / 2],
      lossOfChoice: calibration.lossOfChoice, path: path)
    if json { return try printJSON(report) }
    try printLine("\(report.backend), \(report.threads) thread(s), \(report.samples) runs")
    var table = TextTable(["demand", "units a second and core"])
    for (name, seconds) in zip(AlgorithmDemand.featureNames, profile.secondsPerUnit) {
      table.add([name, seconds > 0 ? "\((1e-9 / seconds).fixed(2)) G" : "free"])
    }
    try printLine(table.text)
    try printLine(
      "median error of an estimate \((100 * report.medianRelativeError).fixed(0)) %; the algorithms it chooses take "
        + "\((100 * report.lossOfChoice).fixed(1)) % longer than the fastest")
    try printLine("stored in \(path)")
  }
}
