import ArgumentParser

@main
struct SegBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seg-bench", abstract: "Measures products, convolutions and networks, and writes the reports of docs.",
    subcommands: [
      Products.self, Convolutions.self, Gradients.self, Layers.self, Networks.self, Steps.self, Ratios.self,
      Threads.self, Latency.self, Pipelines.self, Training.self, Slices.self, Measure.self, Report.self, WriteSite.self,
    ])
}
