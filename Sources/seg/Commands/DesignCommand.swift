import ArgumentParser
import SegEngine
import SegIO
import SegModels

/// The command `seg design`: searches for networks within a budget.
struct DesignCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "design", abstract: "Looks for networks that keep a budget of time and memory.",
    discussion: """
      Families are searched over their widths and depths, the size that images are brought to, output strides, ways of up-sampling, and \
      separable or ordinary convolutions. Time and memory come from the machine's profile (`seg calibrate`). The Pareto front has \
      those that no other beats in time, memory, parameters, receptive field, output stride and pixels seen together. The three of different \
      families that are best by the sum of their places in the last four are then run, unless the profile is another machine's.

      Example: seg design --max-latency 40ms --max-memory 300MB --size 512x512
      """)

  @Option(help: ArgumentHelp("What a run may take, as 40ms or 0.5s.", valueName: "time"))
  var maxLatency: TimeArgument

  @Option(help: ArgumentHelp("What the process may hold, as 300MB or 1GB.", valueName: "memory"))
  var maxMemory: MemoryArgument

  @Option(help: ArgumentHelp("Height and width of the images, as 512x256 or 512.", valueName: "size"))
  var size: SizeArgument

  @Option(
    help: ArgumentHelp(
      "Families with commas between, of \(DesignSpace.families.joined(separator: ", ")); by default all.",
      valueName: "names"))
  var families: String?

  @Option(help: ArgumentHelp("Logits for each pixel.", valueName: "number"))
  var classes = 21

  @Option(help: ArgumentHelp("Networks of the front to list, the fastest first.", valueName: "count"))
  var limit = 40

  @Flag(help: "Run nothing.")
  var noCheck = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var latency: LatencyOptions

  func validate() throws {
    if let unknown = familyNames.first(where: { !DesignSpace.families.contains($0) }) {
      throw ValidationError(
        "--families are of \(DesignSpace.families.joined(separator: ", ")), not \(unknown)"
          + unknown.suggestion(among: DesignSpace.families))
    }
    guard !familyNames.isEmpty else { throw ValidationError("--families names none") }
    guard (1...4096).contains(classes) else { throw ValidationError("--classes is 1 to 4096, not \(classes)") }
    guard limit > 0 else { throw ValidationError("--limit is at least 1, not \(limit)") }
    guard (32...4096).contains(size.extent.height), (32...4096).contains(size.extent.width) else {
      throw ValidationError("--size is 32 to 4096 pixels high and wide here")
    }
  }

  private var familyNames: [String] {
    families.map { $0.split(separator: ",").map(String.init) } ?? DesignSpace.families
  }

  private struct Report: Encodable {
    struct Design: Encodable {
      let family: String
      let choices: String
      let height: Int
      let width: Int
      let milliseconds: Double
      let peakBytes: Int
      let parameters: Int
      /// The receptive field; `nil` if it is the whole image.
      let receptiveField: Int?
      let outputStride: Int

      init(_ rated: RatedDesign) {
        family = rated.design.family
        choices = rated.design.choices
        (height, width) = (rated.design.size.height, rated.design.size.width)
        milliseconds = 1000 * rated.estimate.seconds
        peakBytes = rated.estimate.peakResidentByteCount
        parameters = rated.parameterCount
        receptiveField = rated.receptiveField
        outputStride = rated.design.outputStride
      }
    }
    struct Check: Encodable {
      let design: Design
      let measuredMilliseconds: Double
    }
    let threads: Int
    let searched: Int
    let front: [Design]
    let best: [Design]
    let checks: [Check]
  }

  func run() throws {
    let profile = try latency.latencyProfile()
    let backend = latency.backend(for: profile)
    let designs = DesignSpace.designs(of: familyNames, size: size.extent, classes: classes)
    let bar = ProgressBar(total: designs.count)
    let search = try DesignSearch(
      designs, within: .init(seconds: maxLatency.seconds, byteCount: maxMemory.byteCount), by: profile, on: backend
    ) { bar.update($0) }
    bar.finish()
    let isOwn = latency.profile == nil || profile.instructionSet == backend.instructionSet
    let checks =
      noCheck || !isOwn
      ? []
      : try search.best.map { rated in
        Report.Check(
          design: .init(rated),
          measuredMilliseconds: 1000
            * (try NetworkTiming(
              try rated.design.makeGraph(), on: backend, options: CompileOptions(profile: profile.choice)
            ).seconds))
      }
    let report = Report(
      threads: backend.workers.threadCount, searched: search.rated.count, front: search.front.map { .init($0) },
      best: search.best.map { .init($0) }, checks: checks)
    if json { return try printJSON(report) }
    try printText(report)
  }

  private func printText(_ report: Report) throws {
    try printLine(
      "\(report.searched) networks for \(size.extent.height)×\(size.extent.width) pixels on \(report.threads) thread(s), "
        + "\(report.front.count) on the front within \((1000 * maxLatency.seconds).fixed(1)) ms and "
        + "\((Double(maxMemory.byteCount) / 1e6).fixed(0)) MB")
    guard !report.front.isEmpty else { return }
    func cells(_ design: Report.Design) -> [String] {
      [
        design.family, design.choices, "\(design.height)×\(design.width)", design.milliseconds.fixed(1),
        (Double(design.peakBytes) / 1e6).fixed(0), design.parameters.grouped,
        design.receptiveField.map(String.init) ?? "image", "\(design.outputStride)",
      ]
    }
    let header = ["family", "network", "image", "ms", "MB", "parameters", "receptive field", "stride"]
    var table = TextTable(header, leftAligned: [0, 1, 2])
    for design in report.front.prefix(limit) { table.add(cells(design)) }
    try printLine("\n" + table.text)
    if report.front.count > limit { try printLine("… and \(report.front.count - limit) slower ones (--limit)") }
    if report.checks.isEmpty {
      var table = TextTable(["best"] + header.dropFirst(), leftAligned: [0, 1, 2])
      for design in report.best { table.add(cells(design)) }
      return try printLine("\n" + table.text)
    }
    var checks = TextTable(
      ["best", "network", "image", "estimated ms", "measured ms", "off by"], leftAligned: [0, 1, 2])
    for check in report.checks {
      let design = check.design
      checks.add([
        design.family, design.choices, "\(design.height)×\(design.width)", design.milliseconds.fixed(1),
        check.measuredMilliseconds.fixed(1),
        "\((100 * (design.milliseconds / check.measuredMilliseconds - 1)).fixed(0)) %",
      ])
    }
    try printLine("\n" + checks.text)
  }
}
