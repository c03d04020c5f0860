import ArgumentParser

/// The command line.
@main
struct Seg: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seg",
    abstract: "Segments images with neural networks on the CPU.",
    discussion: """
      Exit codes: 0 all well; 64 wrong usage; 65 an input that is damaged or does not fit; 66 an input that cannot be read; \
      73 an output that cannot be written; 70 anything else.
      """,
    version: "0.1.0",
    subcommands: [
      SegmentCommand.self, EvaluateCommand.self, ModelsCommand.self, SummaryCommand.self, RunCommand.self,
      BenchCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      guard let failure = Failure(error) else { exit(withError: error) }
      failure.report()
      exit(withError: failure.exitCode)
    }
  }
}
