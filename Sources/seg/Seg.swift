import ArgumentParser
import Foundation
import SegEngine
import SegIO

/// The command line program.
@main
struct Seg: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seg",
    abstract: "Segments images with neural networks on the CPU.",
    discussion: """
      Results go to standard output or into files, each of which appears whole or not at all; what goes wrong is one line on \
      standard error.

      Exit codes: 0 all well; 64 wrong usage; 65 an input that is damaged or does not fit; 66 an input that cannot be read; \
      70 a fault of the program; 73 an output that cannot be written.
      """,
    version: SwiftSegmentation.version,
    subcommands: [
      SegmentCommand.self, EvaluateCommand.self, ModelsCommand.self, SummaryCommand.self, RunCommand.self,
      BenchCommand.self, CalibrateCommand.self, EstimateCommand.self, DesignCommand.self, ONNXCommand.self,
      CRFCommand.self, ExportCommand.self, InitCommand.self, TrainCommand.self,
    ])

  static func main() {
    let signals = ProcessSignals.handle()
    defer { withExtendedLifetime(signals) {} }
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      // Help, the version, and the exit codes of commands that have already reported an error.
      if error is ExitCode || exitCode(for: error) == .success { exit(withError: error) }
      let failure = Failure(error) ?? parserFailure(error) ?? Failure(.internal, "\(error)")
      failure.report()
      exit(withError: failure.exitCode)
    }
  }

  /// The arguments. Names of files may contain any bytes; `CommandLine.arguments` would replace those that are not UTF-8.
  private static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map { argument in
        UnsafeRawBufferPointer(start: argument, count: strlen(argument)).withMemoryRebound(to: UInt8.self) {
          String(fileSystemBytes: $0)
        }
      }
    }
  }

  /// Returns an error of the argument parser as one line, with a hint to the command's help.
  private static func parserFailure(_ error: any Error) -> Failure? {
    guard exitCode(for: error) == .validationFailure else { return nil }
    var complaint = message(for: error)
    let commands = configuration.subcommands.compactMap { $0.configuration.commandName }
    // The parser suggests names of options, but none of commands.
    if let name = arguments.first, !name.hasPrefix("-"), !commands.contains(name),
      complaint.contains("nexpected argument")
    {
      let suggestion = name.suggestion(among: commands)
      return Failure(.usage, "there is no command \(name)\(suggestion) (`seg --help` lists all)")
    }
    if let last = complaint.last, !last.isPunctuation || last == "'" || last == ">" || last == ")" { complaint += "." }
    let pointer = fullMessage(for: error).split(separator: "\n").last { $0.contains("--help") }
    return Failure(.usage, complaint + (pointer.map { " " + $0.drop { $0 == " " } } ?? ""))
  }
}
