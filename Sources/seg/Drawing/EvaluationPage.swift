import Foundation
import SegEngine
import SegIO

/// The results of `seg evaluate` as a self-contained HTML page, without external scripts, styles and pictures.
struct EvaluationPage {
  let report: EvaluationReport
  let classes: ClassList
  let gallery: EvaluationGallery?
  /// Whether pictures have a legend.
  let showsLegend: Bool

  var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Evaluation of \(escaped(report.model))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <h1>Evaluation of \(escaped(report.model))</h1>
    \(summary)
    <h2>Classes</h2>
    \(classTable)
    <h2>Confusion matrix</h2>
    <p>Rows are true classes, columns what they were predicted as, in per cent of the true class's pixels.</p>
    <div class="scroll">
    \(ConfusionPicture(counts: report.confusion, names: report.classes.map(\.name)).svg)
    </div>
    \(bands)
    \(pictures)
    \(imageTable)
    </body>
    </html>

    """
  }

  /// Writes the page, completely or not at all.
  func write(to path: String) throws {
    try Failure.writing { try FileSystem.write(Array(html.utf8), to: path) }
  }

  private static let style = """
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #222; }
    h1, h2, h3 { font-weight: 600; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; max-width: 100%; }
    table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
    th, td { padding: 0.2rem 0.55rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
    tr.mean td { font-weight: 600; border-top: 2px solid #888; }
    .swatch { display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.5em; border: 1px solid #888; }
    .bar { display: inline-block; width: 6rem; height: 0.8em; background: #e8e8e8; }
    .bar span { display: block; height: 100%; background: #185aa0; }
    .figures { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; padding: 0; list-style: none; }
    .figures b { display: block; font-size: 1.5rem; }
    .confusion { display: block; }
    .confusion rect { stroke: #ddd; stroke-width: 0.5; }
    .confusion text { font: 11px system-ui, sans-serif; }
    .confusion .light { fill: #fff; }
    """ + "\n" + EvaluationPictures.style

  private var summary: String {
    let figures = [
      ("mean IoU", report.meanIou), ("mean IoU of images, foreground", report.meanImageIou),
      ("mean Dice", report.mean[.dice]),
      ("mean boundary F1", report.mean[.boundaryF1]), ("pixel accuracy", report.pixelAccuracy),
      ("mean class accuracy", report.meanClassAccuracy), ("frequency-weighted IoU", report.frequencyWeightedIou),
    ]
    let items = figures.compactMap { title, number in
      number.map { "<li><b>\(EvaluationReport.percent($0))</b>\(title)</li>" }
    }
    return "<ul class=\"figures\">\n<li><b>\(report.imageCount)</b>images</li>\n\(items.joined(separator: "\n"))\n</ul>"
  }

  private var classTable: String {
    func bar(_ number: OptionalNumber) -> String {
      let share = min(max(number.value ?? 0, 0), 1)
      return "<span class=\"bar\"><span style=\"width:\((share * 100).fixed(1))%\"></span></span>"
    }
    func row(_ title: String, _ figures: EvaluationReport.Figures, isMean: Bool = false) -> String {
      let cells = figures.texts.map { "<td>\($0)</td>" }.joined()
      return
        "<tr\(isMean ? " class=\"mean\"" : "")><td>\(title)</td><td>\(figures[.iou].map(bar) ?? "")</td>\(cells)</tr>"
    }
    let rows = report.classes.map { entry in
      row(swatch(classes.palette[UInt16(clamping: entry.label)]) + escaped(entry.name), entry.figures)
    }
    return table(["class", ""] + report.mean.titles, rows + [row("mean", report.mean, isMean: true)])
  }

  private var bands: String {
    guard !report.trimap.isEmpty else { return "" }
    let rows = report.trimap.map { band in
      "<tr><td>\(band.width) px</td><td>\(EvaluationReport.percent(band.meanIou))</td><td>"
        + "\(EvaluationReport.percent(band.pixelAccuracy))</td></tr>"
    }
    return "<h2>Near boundaries</h2>\n" + table(["distance below", "mean IoU", "accuracy"], rows)
  }

  private var pictures: String {
    guard let gallery else { return "" }
    let (best, worst) = (gallery.best, gallery.worst)
    return [(worst.isEmpty ? "Images" : "Best images", best), ("Worst images", worst)].map { title, entries in
      EvaluationPictures(title: title, entries: entries, classes: classes, showsLegend: showsLegend).html
    }.joined(separator: "\n")
  }

  private var imageTable: String {
    let rows = report.images.map { entry in
      "<tr><td>\(escaped(entry.name))</td><td>\(EvaluationReport.percent(entry.iou))</td><td>"
        + "\(EvaluationReport.percent(entry.pixelAccuracy))</td></tr>"
    }
    return "<h2>Images</h2>\n<details><summary>\(rows.count) images</summary>\n"
      + table(["image", "foreground IoU", "accuracy"], rows) + "\n</details>"
  }

  private func table(_ header: [String], _ rows: [String]) -> String {
    let head = header.map { "<th>\($0)</th>" }.joined()
    return "<div class=\"scroll\"><table>\n<tr>\(head)</tr>\n\(rows.joined(separator: "\n"))\n</table></div>"
  }
}
