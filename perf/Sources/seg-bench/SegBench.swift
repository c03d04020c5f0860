import ArgumentParser

@main
struct SegBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seg-bench", abstract: "Measures products, convolutions and networks, and writes the reports of docs.",
    subcommands: [
      Pipelines.self, Training.self, WeightGradients.self, Measure.self, Report.self, WriteSite.self,
    ])
}
