import Foundation
import SegEngine
import SegIO

/// The tables of an evaluation on a page.
struct EvaluationSections {
  let report: EvaluationReport
  let classes: ClassList

  /// The figures of each class and their means.
  var classTable: String {
    func row(_ title: String, _ figures: EvaluationReport.Figures) -> [String] {
      [title, figures[.iou].map { HTMLPage.bar($0.value) } ?? ""] + figures.texts
    }
    let rows = report.classes.map { entry in
      row(swatch(classes.palette[UInt16(clamping: entry.label)]) + escaped(entry.name), entry.figures)
    }
    return "<h2>Classes</h2>\n"
      + HTMLPage.table(["class", ""] + report.mean.titles, rows + [row("mean", report.mean)], lastIsMean: true)
  }

  /// The confusion matrix.
  var confusion: String {
    """
    <h2>Confusion matrix</h2>
    <p>Rows are true classes, columns what they were predicted as, in per cent of the true class's pixels.</p>
    <div class="scroll">
    \(ConfusionPicture(counts: report.confusion, names: report.classes.map(\.name)).svg)
    </div>
    """
  }

  /// The figures near boundaries; empty if there are none.
  var bands: String {
    guard !report.trimap.isEmpty else { return "" }
    let rows = report.trimap.map { band in
      ["\(band.width) px", EvaluationReport.percent(band.meanIou), EvaluationReport.percent(band.pixelAccuracy)]
    }
    return "<h2>Near boundaries</h2>\n" + HTMLPage.table(["distance below", "mean IoU", "accuracy"], rows)
  }

  /// The figures of each image, folded.
  var images: String {
    let rows = report.images.map { entry in
      [escaped(entry.name), EvaluationReport.percent(entry.iou), EvaluationReport.percent(entry.pixelAccuracy)]
    }
    return "<h2>Images</h2>\n<details><summary>\(rows.count) images</summary>\n"
      + HTMLPage.table(["image", "foreground IoU", "accuracy"], rows) + "\n</details>"
  }
}
