import Foundation
import SegEngine
import SegIO

/// A section of the evaluation's page with images of the gallery. A click on a picture opens it over the whole window.
struct EvaluationPictures {
  let title: String
  let entries: [GalleryEntry]
  let classes: ClassList
  let showsLegend: Bool

  /// The maximum number of classes in the legend of an image.
  private static let largestLegend = 24

  /// The style sheet of sections.
  ///
  /// The link of a picture leads to its figure, and the figure that is the target of the page's address covers the window. So no script is
  /// needed.
  static let style = """
    .row { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.8rem; }
    .row.four { grid-template-columns: repeat(4, minmax(0, 1fr)); }
    @media (max-width: 40rem) { .row.four { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
    figure { margin: 0; }
    figure img { display: block; width: 100%; border: 1px solid #ddd; box-sizing: border-box; }
    figure img.small { image-rendering: pixelated; }
    figure .close { display: none; }
    figure:target { position: fixed; inset: 0; z-index: 9; margin: 0; max-width: none; background: #fff; display: flex;
      flex-direction: column-reverse; }
    figure:target > a:not(.close) { flex: 1; min-height: 0; }
    figure:target img { width: 100%; height: 100%; object-fit: contain; border: 0; }
    figure:target figcaption { padding: 0.4rem 1rem; }
    figure:target .close { display: block; position: absolute; inset: 0; text-align: right; padding: 0.4rem 1rem; }
    .legend { display: flex; flex-wrap: wrap; gap: 0 1.4rem; padding: 0; margin: 0.2rem 0; list-style: none; }
    .legend li { max-width: 100%; overflow-wrap: anywhere; }
    .legend small { color: #555; }
    """

  /// The section; empty if there are no images.
  var html: String {
    guard !entries.isEmpty else { return "" }
    return
      "<h2>\(title)</h2>\n<p>The figure is the image's mean IoU of classes other than 0. A click opens a picture.</p>\n"
      + entries.map(section).joined(separator: "\n")
  }

  private func section(_ entry: GalleryEntry) -> String {
    let id = "image-\(entry.number)"
    func picture(_ caption: String, _ png: [UInt8]) -> String {
      """
      <figure id="\(id)-\(caption)"><a href="#\(id)-\(caption)" title="Open the picture"><img alt="\(caption)"\
      \(entry.isSmall ? " class=\"small\"" : "") src="data:image/png;base64,\(Data(png).base64EncodedString())"></a>\
      <figcaption>\(caption)</figcaption><a class="close" href="#\(id)">close</a></figure>
      """
    }
    let pictures =
      [entry.photo.map { picture("image", $0) }].compactMap { $0 } + [
        picture("mask", entry.truth), picture("prediction", entry.prediction), picture("errors", entry.errors),
      ]
    return """
      <h3 id="\(id)">\(escaped(entry.name)): \((entry.score * 100).fixed(2)) %</h3>
      <div class="row\(pictures.count == 4 ? " four" : "")">
      \(pictures.joined(separator: "\n"))
      </div>
      \(showsLegend ? legend(entry) : "")
      """
  }

  private func legend(_ entry: GalleryEntry) -> String {
    func share(_ count: Int) -> String { LegendEntry.percentage(count, of: entry.pixelCount) }
    func item(_ swatch: String, _ name: String, _ shares: String) -> String {
      "<li>\(swatch)\(escaped(name)) <small>\(shares)</small></li>"
    }
    var lines = entry.labels.prefix(Self.largestLegend).map { label, truth, prediction in
      item(
        swatch(label == entry.undrawnLabel ? nil : classes.palette[label]), classes.name(of: label),
        "mask \(share(truth)), prediction \(share(prediction))"
      )
    }
    if entry.labels.count > Self.largestLegend {
      lines.append("<li>and \(entry.labels.count - Self.largestLegend) more classes</li>")
    }
    if entry.ignoredCount > 0 {
      let all = entry.pixelCount + entry.ignoredCount
      lines.append(item("", "ignored", LegendEntry.percentage(entry.ignoredCount, of: all)))
    }
    let errors = entry.errorCounts.map { item(swatch($0.kind.color), $0.kind.name, share($0.count)) }
    return """
      <ul class="legend">
      \(lines.joined(separator: "\n"))
      </ul>
      <ul class="legend">
      \(errors.isEmpty ? "<li>no errors</li>" : errors.joined(separator: "\n"))
      </ul>
      """
  }
}
