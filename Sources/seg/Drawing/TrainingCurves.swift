import SegEngine

/// The charts of a training: loss, validation and learning rate over the steps.
struct TrainingCurves {
  let history: TrainingHistory
  let classes: ClassList

  private static let color = "#185aa0"
  /// The largest number of classes that have their own curves.
  private static let largestShown = 8

  /// The charts; empty before the first step.
  var html: String {
    guard history.steps > 0 else { return "" }
    let charts = [loss, validation, rate].compactMap { $0?.html }
    return "<h2>Curves</h2>\n<div class=\"charts\">\n\(charts.joined(separator: "\n"))\n</div>"
  }

  private var end: Double { Double(history.steps) }

  private var loss: LineChart {
    let (points, smoothed) = (history.loss.points, history.loss.smoothed)
    // Single outliers do not press the curve down: they are drawn at the edge.
    let values = points.map(\.value).sorted()
    let top = max(values[values.count * 98 / 100], smoothed.map(\.value).max() ?? 0)
    let bottom = min(0, values[0])
    let isSmoothed = points.count >= 40
    return LineChart(
      title: "Loss",
      lines: (isSmoothed ? [.init(color: Self.color, style: .faint, points: points)] : [])
        + [.init(color: Self.color, points: isSmoothed ? smoothed : points)],
      end: end, range: bottom...(top > bottom ? bottom + 1.05 * (top - bottom) : bottom + 1))
  }

  /// The mean IoU, and the IoU of each class if there are few; `nil` without a validation.
  private var validation: LineChart? {
    let means = history.meanIoU.points
    guard let best = history.best, !means.isEmpty else { return nil }
    var lines: [LineChart.Line] = []
    if history.iou.count <= Self.largestShown {
      lines = history.iou.enumerated().map { label, curve in
        .init(
          name: classes.name(of: UInt16(label)), color: color(of: UInt16(label)), style: .thin,
          points: curve.points)
      }
    }
    lines.append(.init(name: "mean", color: "#222", points: means))
    let least = lines.flatMap { $0.points.map(\.value) }.min() ?? 0
    return LineChart(
      title: "IoU of the validation", lines: lines, end: end, range: min(0.9, (10 * least).rounded(.down) / 10)...1,
      mark: (Double(best.step), best.meanIoU, best.meanIoU.fixed(4)))
  }

  /// The colour of a class, darkened where it would be faint on white, and grey for the background.
  private func color(of label: UInt16) -> String {
    if label == classes.background { return "#999" }
    let color = classes.palette[label]
    // The luma of BT.601.
    let luma = 0.299 * Double(color.red) + 0.587 * Double(color.green) + 0.114 * Double(color.blue)
    let factor = min(1, 150 / max(luma, 1))
    func scaled(_ level: UInt8) -> UInt8 { UInt8(Double(level) * factor) }
    return Palette.Color(scaled(color.red), scaled(color.green), scaled(color.blue)).css
  }

  private var rate: LineChart {
    let points = history.rate.points
    let top = points.map(\.value).max() ?? 0
    return LineChart(
      title: "Learning rate", lines: [.init(color: Self.color, points: points)], end: end,
      range: 0...(top > 0 ? 1.05 * top : 1))
  }
}
