import Foundation
import SegEngine
import SegIO
import Testing

/// `report.html` and `samples`, which `seg train` leaves in the folder of a training.
@Suite struct TrainReportTests {
  private let folder: Folder
  private let run: String
  private let tiny = ["--widths", "4,8", "--crop", "16", "--batch", "2"]

  init() throws {
    folder = try Folder()
    run = folder.path("run")
  }

  private struct Evaluation: Decodable {
    struct Entry: Decodable {
      let iou, dice, precision, recall: Double?
    }
    let meanIou, pixelAccuracy: Double?
    let classes: [Entry]
  }

  private func page() throws -> String {
    let page = String(decoding: try bytes(run + "/report.html"), as: UTF8.self)
    // Nothing is loaded from anywhere: no script, no link, and the only address is the name of SVG.
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("url("))
    #expect(!page.replacing("http://www.w3.org/2000/svg", with: "").contains("http"))
    #expect(!page.replacing(/base64,[^"]*/, with: "").contains(/\bnan\b|\binf\b/))
    return page
  }

  /// The points of each curve of a chart.
  private func curves(_ title: String, _ page: String) throws -> [[Substring]] {
    let chart = try #require(page.components(separatedBy: "<h3>\(title)</h3>").dropFirst().first)
    return try #require(chart.components(separatedBy: "</svg>").first).matches(of: /points="([^"]*)"/)
      .map { $0.1.split(separator: " ") }
  }

  private func percent(_ value: Double?) throws -> String { String(format: "%.2f %%", try #require(value) * 100) }

  @Test func figuresAndPicturesAreThoseOfTheBestWeights() throws {
    let data = try makeSet(folder, parts: ["train", "val"])
    let result = try seg(
      ["train", data, "-o", run, "--steps", "30", "--interval", "10", "--class-names", "background,a <b>"]
        + ["--widths", "8,16", "--crop", "24", "--batch", "4", "--rate", "0.005"])
    expectSuccess(result)
    let page = try page()
    // The same weights by another command.
    let (images, masks) = (data + "/val/images", data + "/val/masks")
    let evaluation: Evaluation = try seg("evaluate", "--images", images, "--masks", masks, "--model", run, "--json")
      .json()
    #expect(page.contains("<li><b>\(try percent(evaluation.meanIou))</b>best mean IoU</li>"))
    #expect(page.contains("<li><b>\(try percent(evaluation.pixelAccuracy))</b>pixel accuracy</li>"))
    for entry in evaluation.classes {
      let cells = try [entry.iou, entry.dice, entry.precision, entry.recall].map { "<td>\(try percent($0))</td>" }
      #expect(page.contains(cells.joined()))
    }
    #expect(page.contains("a &lt;b&gt;") && !page.contains("a <b>"))
    // Four worst images: picture, mask, prediction and errors.
    let pictures = page.matches(of: /src="data:image\/png;base64,([^"]+)"/)
    #expect(pictures.count == 16)
    for picture in pictures {
      let image = try Image(decoding: Array(try #require(Data(base64Encoded: String(picture.1)))))
      #expect(image.width == 40 && image.height == 32)
    }
    #expect(page.contains("<dt>images to train</dt><dd>6</dd>") && page.contains("<dt>optimizer</dt><dd>adamw</dd>"))
    // A curve has a point a step, and the curves of means and of two classes a point a validation.
    #expect(try curves("Loss", page).map(\.count) == [30])
    #expect(try curves("Learning rate", page).map(\.count) == [30])
    #expect(try curves("IoU of the validation", page).map(\.count) == [3, 3, 3])
    // Samples at each new best: the images 0, 1, 3 and 4 of six.
    let best = result.output.matches(of: /step (\d+):.*the best so far/).map { $0.1 }
    let names = try FileManager.default.contentsOfDirectory(atPath: run + "/samples").sorted()
    #expect(
      names == ["1-0", "2-1", "3-3", "4-4"].flatMap { name in best.map { "\(name)-0000\($0).png" } })
    let mask = folder.path("mask.png")
    expectSuccess(try seg("segment", images + "/3.png", "--model", run, "--output-format", "labels", "-o", mask))
    let expected = try Image(contentsOf: images + "/3.png").overlaid(with: LabelMap(contentsOf: mask))
    #expect(try Image(contentsOf: "\(run)/samples/3-3-0000\(try #require(best.last)).png") == expected)
  }

  @Test func manyStepsAreThinned() throws {
    let data = try makeSet(folder)
    expectSuccess(try seg(["train", data, "-o", run, "--steps", "900", "--interval", "1"] + tiny))
    let page = try page()
    // Means of four steps, and the smoothed curve.
    #expect(try curves("Loss", page).map(\.count) == [225, 225])
    #expect(try curves("IoU of the validation", page).map(\.count) == [225, 225, 225])
  }

  /// A training that is stopped before its first validation, and continued.
  @Test func aContinuedTrainingReportsAllSteps() throws {
    let data = try makeSet(folder)
    let train = "'\(Repository.products.appending(path: "seg").path)' train '\(data)' -o '\(run)'"
    let stopped = try Program.run(
      URL(filePath: "/bin/sh"),
      [
        "-c",
        "\(train) --steps 3000 --interval 3000 \(tiny.joined(separator: " ")) & until [ -s '\(run)/log.jsonl' ]; do sleep 0.01; done; "
          + "kill -TERM $!; wait $!",
      ])
    #expect(stopped.exitCode == 130, "\(stopped.errors)")
    let before = try page()
    #expect(before.contains("Training was stopped") && before.contains("There was no validation so far."))
    #expect(!before.contains("Confusion matrix") && !before.contains("best mean IoU"))
    expectSuccess(try seg("train", data, "-o", run, "--resume"))
    #expect(try curves("Loss", try page())[0].count == 375)
    // Without new steps the best weights are validated again.
    func results(_ page: String) -> String? { page.components(separatedBy: "<h2>Data set").first }
    let after = try page()
    for name in ["report.html", "samples"] { try FileManager.default.removeItem(atPath: "\(run)/\(name)") }
    expectSuccess(try seg("train", data, "-o", run, "--resume"))
    #expect(results(try page()) == results(after) && after.contains("Confusion matrix"))
  }

  @Test func oneStepAndAbsentClassesHaveAPage() throws {
    let data = try makeSet(folder, foreground: 3)
    #expect(try seg(["train", data, "-o", run, "--steps", "1"] + tiny).exitCode == 0)
    let page = try page()
    #expect(page.contains("<td>0.00 %</td><td>none</td>") && page.contains("class 2"))
    #expect(page.contains("<circle"))
    let curves = try curves("Loss", page)
    #expect(curves == [])
    #expect(page.contains("Training is finished"))
  }

  @Test func aReportThatCannotBeWrittenLeavesTheNetwork() throws {
    let data = try makeSet(folder)
    try folder.addFolder("run/report.html")
    let result = try seg(["train", data, "-o", run, "--steps", "2"] + tiny)
    expectFailure(result, 73, ["report.html"])
    #expect(FileManager.default.fileExists(atPath: run + "/best.safetensors"))
  }
}
