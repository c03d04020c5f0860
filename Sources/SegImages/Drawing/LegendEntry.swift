import SegEngine

/// A line of a legend.
package struct LegendEntry: Sendable, Equatable {
  /// The label; `nil` for a line about several classes.
  package let label: UInt16?
  /// The name of the class.
  package let name: String
  /// The colour; `nil` for what is not drawn.
  package let color: Palette.Color?
  /// The share of the image's pixels, as text.
  package let share: String

  /// The number of classes that have their own line. The others share the last line.
  package static let maximumCount = 256
  private static let maximumNameLength = 40

  /// Returns an entry for each label that occurs, the most frequent first.
  ///
  /// - Parameters:
  ///   - labels: The label map.
  ///   - classes: The names and colours. The background has no colour.
  package static func entries(_ labels: LabelMap, _ classes: ClassList) -> [LegendEntry] {
    let occurring = labels.pixelCounts.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }
    let total = labels.labels.count
    var entries = occurring.prefix(maximumCount).map { label, count in
      LegendEntry(
        label: label, name: shortened(classes.name(of: label)),
        color: label == classes.background ? nil : classes.palette[label], share: percentage(count, of: total))
    }
    let others = occurring.dropFirst(maximumCount)
    if !others.isEmpty {
      let share = percentage(others.reduce(0) { $0 + $1.value }, of: total)
      entries.append(LegendEntry(label: nil, name: "\(others.count) more", color: nil, share: share))
    }
    return entries
  }

  /// Returns a share with one decimal. A class that occurs has no share of 0, and 100 means all pixels.
  package static func percentage(_ count: Int, of total: Int) -> String {
    let tenths = Int((Double(count) * 1000 / Double(max(total, 1))).rounded())
    if count > 0, tenths == 0 { return "<0.1 %" }
    if count < total, tenths == 1000 { return ">99.9 %" }
    return "\(tenths / 10).\(tenths % 10) %"
  }

  private static func shortened(_ name: String) -> String {
    name.count <= maximumNameLength ? name : name.prefix(maximumNameLength - 1) + "…"
  }
}
