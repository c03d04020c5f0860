import SegEngine
import SegIO

/// The results of `seg evaluate` as a page.
struct EvaluationPage {
  let report: EvaluationReport
  let classes: ClassList
  let gallery: EvaluationGallery?
  /// Whether pictures have a legend.
  let showsLegend: Bool

  var page: HTMLPage {
    let sections = EvaluationSections(report: report, classes: classes)
    return HTMLPage(
      title: "Evaluation of \(report.model)",
      sections: [summary, sections.classTable, sections.confusion, sections.bands, pictures, sections.images])
  }

  private var summary: String {
    let figures = [
      ("mean IoU", report.meanIou), ("mean IoU of images, foreground", report.meanImageIou),
      ("mean Dice", report.mean[.dice]),
      ("mean boundary F1", report.mean[.boundaryF1]), ("pixel accuracy", report.pixelAccuracy),
      ("mean class accuracy", report.meanClassAccuracy), ("frequency-weighted IoU", report.frequencyWeightedIou),
    ]
    return HTMLPage.figures(
      [("images", "\(report.imageCount)")] + figures.map { ($0, $1.map(EvaluationReport.percent)) })
  }

  private var pictures: String {
    guard let gallery else { return "" }
    let (best, worst) = (gallery.best, gallery.worst)
    return [(worst.isEmpty ? "Images" : "Best images", best), ("Worst images", worst)].map { title, entries in
      EvaluationPictures(title: title, entries: entries, classes: classes, showsLegend: showsLegend).html
    }.joined(separator: "\n")
  }
}
