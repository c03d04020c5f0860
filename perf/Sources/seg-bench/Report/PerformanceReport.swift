import Foundation
import SegEngine
import SegIO
import SegModels

/// The measured part of the report: estimated and measured times, the roofline, and the networks within a budget.
struct PerformanceReport {
  /// The results of the benchmark `seg-bench latency`.
  let record: LatencyRecord
  /// The results of a search within a budget, with the times of the networks that were run.
  let search: DesignSearch
  let searchTitle: String
  let checks: [(rated: RatedDesign, seconds: Double)]

  /// The pictures with their names.
  var pictures: [(name: String, svg: String)] {
    [
      ("latency-networks.svg", networksChart.svg), ("latency-steps.svg", stepsChart.svg),
      ("roofline.svg", roofline.svg),
      ("design.svg", designChart.svg),
    ]
  }

  /// The text of the page `latency.md`.
  var markdown: String {
    [head, accuracy, misses, roofs, memory, design, everything].joined(separator: "\n\n") + "\n"
  }

  // MARK: Pages

  private var head: String {
    """
    # Latency: estimated and measured

    Written by `make report` from `latency.json`, which `seg-bench latency` wrote on a machine of \(record.machine.backend), \
    \(record.machine.threads) threads, \((2e-9 * record.machine.multiplyAddsPerSecondAndCore).fixed(0)) GFLOP/s a core in products at best. \
    Estimates were made before the networks ran, from the profile of `seg calibrate`, whose layers are drawn at random with map sizes that no \
    network here has. Each network ran in a process of its own; a time is the lower quartile of its runs.
    """
  }

  private func percent(_ share: Double, _ digits: Int = 0) -> String { "\((100 * share).fixed(digits)) %" }
  private func milliseconds(_ seconds: Double) -> String { (1000 * seconds).fixed(seconds < 0.01 ? 2 : 1) }
  private func megabytes(_ bytes: Int) -> String { (Double(bytes) / 1e6).fixed(0) }

  private var accuracy: String {
    let networks = record.networks
    let sides = Array(Set(networks.filter { $0.height == $0.width }.map(\.height))).sorted()
    let rows = sides.map { side -> [String] in
      let some = networks.filter { $0.height == side && $0.width == side }
      return [
        "\(side)×\(side)", "\(some.count)", percent(some.map(\.relativeError).median, 1),
        LatencyRecord.rankCorrelation(some.map(\.estimatedSeconds), some.map(\.measuredSeconds)).fixed(3),
      ]
    }
    let all = ["all", "\(networks.count)", percent(record.medianNetworkError, 1), record.rankCorrelation.fixed(3)]
    let kinds = record.kinds.filter { $0.measuredSeconds > 0 }.map {
      [
        $0.kind, "\($0.steps)", milliseconds($0.measuredSeconds), ($0.estimatedSeconds / $0.measuredSeconds).fixed(2),
        percent($0.medianRelativeError),
      ]
    }
    return """
      ## How far the estimates are off

      The median of |estimated − measured| / measured, and the rank correlation (Spearman):

      \(markdownTable(["image", "networks", "median error", "rank correlation"], rows + [all]))

      Over \(record.stepCount.grouped) steps (layers after fusion) the median error is \(percent(record.medianStepError, 1)). By kind:

      \(markdownTable(["steps of", "timed", "ms in all", "estimated / measured", "median error"], kinds))

      ![networks, estimated against measured](latency-networks.svg) ![steps, estimated against measured](latency-steps.svg)
      """
  }

  private var misses: String {
    let networks = record.networks.sorted { $0.relativeError > $1.relativeError }.prefix(12).map {
      [
        $0.name, "\($0.height)×\($0.width)", milliseconds($0.estimatedSeconds), milliseconds($0.measuredSeconds),
        milliseconds($0.medianSeconds), ($0.estimatedSeconds / $0.measuredSeconds).fixed(2),
      ]
    }
    let steps = record.worstSteps.map {
      [
        $0.name, $0.operation, $0.algorithm, "\(Shape($0.output))", milliseconds($0.estimatedSeconds),
        milliseconds($0.measuredSeconds),
      ]
    }
    return """
      ## The worst misses

      Networks, by ratio:

      \(markdownTable(["network", "image", "estimated ms", "measured ms", "median of runs", "ratio"], networks))

      Steps, by milliseconds:

      \(markdownTable(["step", "operator", "algorithm", "output", "estimated ms", "measured ms"], steps))
      """
  }

  private var roofs: String {
    let rows = record.machine.bandwidth.map { point in
      [
        point.bytes >= 1_048_576 ? "\(Int(point.bytes) >> 20) MiB" : "\(Int(point.bytes) >> 10) KiB",
        (point.bytesPerSecond / 1e9).fixed(0),
      ]
    }
    return """
      ## Roofline

      ![roofline of every step](roofline.svg)

      Each point is a step of a network at its operations by the definition (full rule) and the bytes that it must read and write at least once. \
      Winograd's steps lie above the roof of products, since they multiply less than the definition says. Bytes a second that both \
      threads copy together, read and written, by the size of what is copied:

      \(markdownTable(["working set", "GB/s"], rows))
      """
  }

  private var memory: String {
    let networks = record.networks
    let exact = networks.filter { $0.estimatedArenaBytes == $0.arenaBytes }.count
    let known = networks.filter { $0.peakBytes > 0 }
    let errors = known.map { abs(Double($0.estimatedPeakBytes) / Double($0.peakBytes) - 1) }
    let worst = known.sorted {
      abs(Double($0.estimatedPeakBytes) / Double($0.peakBytes) - 1)
        > abs(Double($1.estimatedPeakBytes) / Double($1.peakBytes) - 1)
    }.prefix(6).map {
      [
        $0.name, "\($0.height)×\($0.width)", megabytes($0.estimatedPeakBytes), megabytes($0.peakBytes),
        (Double($0.estimatedPeakBytes) / Double($0.peakBytes)).fixed(2),
      ]
    }
    return """
      ## Memory

      The arena was told to the byte for \(exact) of \(networks.count) networks. The largest resident size of the process, weights and libraries \
      included, was told with a median error of \(percent(errors.median, 1)); the worst:

      \(markdownTable(["network", "image", "estimated MB", "measured MB", "ratio"], worst))
      """
  }

  private var design: String {
    let front = search.front.prefix(24).map { rated in
      [
        rated.design.family, rated.design.choices, "\(rated.design.size.height)×\(rated.design.size.width)",
        milliseconds(rated.estimate.seconds), megabytes(rated.estimate.peakResidentByteCount),
        rated.parameterCount.grouped, rated.receptiveField.map(String.init) ?? "image", "\(rated.design.outputStride)",
      ]
    }
    let runs = checks.map { rated, seconds in
      [
        rated.design.family, rated.design.choices, "\(rated.design.size.height)×\(rated.design.size.width)",
        milliseconds(rated.estimate.seconds), milliseconds(seconds), (rated.estimate.seconds / seconds).fixed(2),
      ]
    }
    return """
      ## What a budget buys

      \(searchTitle): \(search.rated.count) networks rated, \(search.front.count) on the front of time, memory, parameters, receptive \
      field, output stride and pixels seen. The fastest of them:

      \(markdownTable(["family", "network", "image", "ms", "MB", "parameters", "receptive field", "stride"], Array(front)))

      Best of three families by the sum of their places, and what they took:

      \(markdownTable(["family", "network", "image", "estimated ms", "measured ms", "ratio"], runs))

      ![the front](design.svg)
      """
  }

  private var everything: String {
    let sides = Array(Set(record.networks.filter { $0.height == $0.width }.map(\.height))).sorted()
    var names: [String] = []
    for network in record.networks where !names.contains(network.name) { names.append(network.name) }
    let rows = names.map { name -> [String] in
      [name]
        + sides.map { side in
          guard let network = record.networks.first(where: { $0.name == name && $0.height == side && $0.width == side })
          else { return "–" }
          return "\(milliseconds(network.estimatedSeconds)) / \(milliseconds(network.measuredSeconds))"
        }
    }
    return """
      ## All networks

      Estimated / measured milliseconds:

      \(markdownTable(["network"] + sides.map { "\($0)×\($0)" }, rows))

      Left out: \(record.leftOut.isEmpty ? "none" : record.leftOut.joined(separator: "; ")).
      """
  }

  // MARK: Pictures

  private func diagonal(_ values: [Double]) -> SVGChart.Series {
    let ends = [values.min() ?? 1, values.max() ?? 1]
    return .init(name: "equal", mark: .line, points: ends.map { .init(x: $0, y: $0) })
  }

  private var networksChart: SVGChart {
    let networks = record.networks
    let sides = Array(Set(networks.map(\.height))).sorted()
    return SVGChart(
      title: "Networks: estimated against measured",
      subtitle:
        "median error \(percent(record.medianNetworkError, 1)), rank correlation \(record.rankCorrelation.fixed(3))",
      x: .init(label: "measured, ms", scale: .logarithmic), y: .init(label: "estimated, ms", scale: .logarithmic),
      series: [diagonal(networks.flatMap { [1000 * $0.measuredSeconds, 1000 * $0.estimatedSeconds] })]
        + sides.map { side in
          .init(
            name: "\(side) high",
            points: networks.filter { $0.height == side }.map {
              .init(
                x: 1000 * $0.measuredSeconds, y: 1000 * $0.estimatedSeconds,
                label: "\($0.name) \($0.height)×\($0.width)")
            })
        })
  }

  /// The steps in the record, in groups.
  private var groups: [(name: String, steps: [LatencyRecord.Step])] {
    let steps = record.networks.flatMap(\.steps).filter { $0.measuredSeconds > 0 }
    func group(_ step: LatencyRecord.Step) -> String {
      switch (step.kind, step.algorithm) {
      case ("TransposedConvolution", _): "transposed"
      case ("Linear", _), (_, "pointwise"), (_, "strassen"): "1×1, linear"
      case ("SeparableConvolution", _), (_, "depthwise"): "depthwise, separable"
      case ("Attention", _), ("MatMul", _): "attention"
      case (_, "direct"), (_, "im2col"): "direct, im2col"
      case (_, let name) where ConvolutionMethod.isWinograd(named: name): "Winograd"
      default: "everything else"
      }
    }
    let order = [
      "Winograd", "direct, im2col", "1×1, linear", "depthwise, separable", "attention", "transposed", "everything else",
    ]
    let members = Dictionary(grouping: steps, by: group)
    return order.compactMap { name in members[name].map { (name, $0) } }
  }

  private var stepsChart: SVGChart {
    let groups = groups
    let all = groups.flatMap(\.steps)
    return SVGChart(
      title: "Steps: estimated against measured",
      subtitle: "\(Set(record.networks.filter { !$0.steps.isEmpty }.map(\.name)).sorted().joined(separator: ", "))",
      x: .init(label: "measured, ms", scale: .logarithmic), y: .init(label: "estimated, ms", scale: .logarithmic),
      series: groups.map { group in
        .init(
          name: group.name,
          points: group.steps.map {
            .init(x: 1000 * $0.measuredSeconds, y: 1000 * $0.estimatedSeconds, label: "\($0.name): \($0.operation)")
          })
      } + [diagonal(all.flatMap { [1000 * $0.measuredSeconds, 1000 * $0.estimatedSeconds] })])
  }

  private var roofline: SVGChart {
    let peak = 2e-9 * record.machine.multiplyAddsPerSecondAndCore * Double(record.machine.threads)
    let intensities = (0...40).map { 0.02 * pow(10, Double($0) / 8) }
    let far = record.machine.bandwidth.last.map { 1e-9 * $0.bytesPerSecond } ?? 1
    let near = record.machine.bandwidth.map { 1e-9 * $0.bytesPerSecond }.max() ?? 1
    func roof(_ name: String, _ rate: Double, _ mark: SVGChart.Series.Mark) -> SVGChart.Series {
      .init(name: name, mark: mark, points: intensities.map { .init(x: $0, y: min(peak, rate * $0)) })
    }
    let points = groups.map { group in
      SVGChart.Series(
        name: group.name,
        points: group.steps.filter { $0.flops > 0 && $0.bytes > 0 }.map {
          .init(
            x: Double($0.flops) / Double($0.bytes), y: 1e-9 * Double($0.flops) / $0.measuredSeconds,
            label: "\($0.name): \($0.operation)")
        })
    }
    return SVGChart(
      title: "Roofline of every step",
      subtitle: "\(record.machine.backend), \(record.machine.threads) threads; roofs as measured",
      x: .init(label: "operations a byte", scale: .logarithmic, range: 0.05...2000),
      y: .init(label: "GFLOP/s, by the definition", scale: .logarithmic, range: 0.1...(peak * 6)),
      series: points + [roof("from caches", near, .dashedLine), roof("from memory", far, .line)])
  }

  private var designChart: SVGChart {
    func points(_ designs: [RatedDesign]) -> [SVGChart.Point] {
      designs.map {
        .init(
          x: 1000 * $0.estimate.seconds, y: Double($0.parameterCount) / 1e6,
          label: "\($0.design.family) \($0.design.choices) \($0.design.size.height)×\($0.design.size.width)")
      }
    }
    let families = DesignSpace.families.compactMap { family -> SVGChart.Series? in
      let members = search.front.filter { $0.design.family == family }
      return members.isEmpty ? nil : .init(name: family, points: points(members))
    }
    // The designs with more parameters than all before them in the front.
    var most = 0
    let steps = search.front.filter { rated in
      defer { most = max(most, rated.parameterCount) }
      return rated.parameterCount > most
    }
    return SVGChart(
      title: "What a budget buys", subtitle: searchTitle,
      x: .init(label: "estimated time, ms", scale: .logarithmic),
      y: .init(label: "parameters, millions", scale: .logarithmic),
      series: families + [.init(name: "most parameters", mark: .dashedLine, points: points(steps))])
  }
}
