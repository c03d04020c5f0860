import Foundation
import SegEngine
import SegIO
import SegTraining

/// The state and the results of a training as a page.
struct TrainingPage {
  let trainer: Trainer
  /// The folder of the training.
  let path: String
  let classes: ClassList
  let state: TrainingReport.State
  let history: TrainingHistory
  /// The figures of the best weights and their worst images; `nil` before the first validation.
  let evaluation: (report: EvaluationReport, worst: [GalleryEntry])?

  func page() throws -> HTMLPage {
    let configuration = trainer.configuration
    return HTMLPage(
      title: "Training of \(configuration.network) on \(configuration.data)",
      sections: [
        "<p>\(escaped(status))</p>", summary, TrainingCurves(history: history, classes: classes).html, results,
        dataSet, "<h2>Configuration</h2>\n" + (try SettingsList(configuration).html),
        "<p><small>\(SwiftSegmentation.name) \(SwiftSegmentation.version)</small></p>",
      ])
  }

  private var status: String {
    let steps = "\(history.steps.grouped) of \(trainer.configuration.steps.grouped) steps are done"
    switch state {
    case .running: return "In \(path). Training goes on: \(steps)."
    case .ended(.finished): return "In \(path). Training is finished."
    case .ended(.stoppedEarly):
      return "In \(path). Training ended early, because the mean IoU became no better: \(steps)."
    case .ended(.interrupted): return "In \(path). Training was stopped: \(steps), and --resume continues it."
    case .failed(let failure): return "In \(path). Training failed. \(failure)."
    }
  }

  private var summary: String {
    let perStep = history.secondsPerStep
    return HTMLPage.figures([
      ("best mean IoU", history.best.map { EvaluationReport.percent(OptionalNumber($0.meanIoU)) }),
      ("best step", history.best.map { $0.step.grouped }),
      ("pixel accuracy", evaluation.map { EvaluationReport.percent($0.report.pixelAccuracy) }),
      ("steps", history.steps.grouped), ("time with validations", ProgressBar.duration(history.seconds)),
      ("a step", perStep.map { $0 < 1 ? "\((1000 * $0).fixed($0 < 0.1 ? 1 : 0)) ms" : "\($0.fixed(2)) s" }),
      ("images/s", perStep.map { (Double(trainer.configuration.batch) / $0).fixed(1) }),
    ])
  }

  private var results: String {
    guard let (report, worst) = evaluation else { return "<p>There was no validation so far.</p>" }
    let sections = EvaluationSections(report: report, classes: classes)
    return [
      "<p>The figures below are those of the best weights on the \(report.imageCount) "
        + "image\(report.imageCount == 1 ? "" : "s") to validate.</p>",
      sections.classTable, sections.confusion,
      EvaluationPictures(title: "Worst images", entries: worst, classes: classes, showsLegend: true).html,
      sections.images,
    ].joined(separator: "\n")
  }

  private var dataSet: String {
    let (data, survey) = (trainer.data, trainer.survey)
    var facts = [
      ("images to train", data.training.count.grouped), ("images to validate", data.validation.count.grouped),
      ("images to test", data.test.count.grouped), ("height × width", survey.sizes),
      ("channels", "\(survey.channels)"),
    ]
    if data.test.isEmpty { facts.remove(at: 2) }
    if survey.channels <= 4 {
      facts.append(("mean, white is 1", survey.mean.map { Double($0).fixed(3) }.joined(separator: ", ")))
      facts.append(("deviation", survey.deviation.map { Double($0).fixed(3) }.joined(separator: ", ")))
    }
    let rows = survey.shares.enumerated().map { label, share in
      let images = survey.pixelCounts.count { $0[label] > 0 }
      return [
        swatch(classes.palette[UInt16(label)]) + escaped(classes.name(of: UInt16(label))), HTMLPage.bar(share),
        "\((100 * share).fixed(2)) %", images == 0 ? "none" : images.grouped,
      ]
    }
    return "<h2>Data set</h2>\n\(SettingsList(facts).html)\n<p>Shares of the classes in the pixels to train with:</p>\n"
      + HTMLPage.table(["class", "", "share", "images with it"], rows)
  }
}

extension DataSurvey {
  /// The range of heights and widths.
  var sizes: String {
    func text(_ size: Extent2D) -> String { "\(size.height)×\(size.width)" }
    return smallest == largest ? text(largest) : "\(text(smallest)) to \(text(largest))"
  }
}
