import Foundation
import SegEngine
import SegIO
import Testing

/// `seg evaluate --predictions`: all figures, formats and conventions, against counts by hand.
@Suite struct EvaluateFiguresTests {
  private struct Report: Decodable {
    struct Figures: Decodable {
      let iou, dice, precision, recall, boundaryF1, boundaryIou: Double?
    }
    struct ClassEntry: Decodable {
      let label, truthPixels, predictedPixels: Int
      let name: String
      let iou, dice, precision, recall: Double?
      let averageSurfaceDistance: Distance?
    }
    struct Band: Decodable {
      let width: Int
      let meanIou, pixelAccuracy: Double?
    }
    struct ImageEntry: Decodable {
      let name: String
      let iou, pixelAccuracy: Double?
    }
    let model: String
    let imageCount: Int
    let meanIou, meanImageIou, pixelAccuracy, meanClassAccuracy, frequencyWeightedIou: Double?
    let mean: Figures
    let classes: [ClassEntry]
    let trimap: [Band]
    let confusion: [[Int]]
    let images: [ImageEntry]
  }

  /// A number, or infinity in quotes.
  private struct Distance: Decodable, Equatable {
    let value: Double

    init(_ value: Double) { self.value = value }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      value = (try? container.decode(String.self)) == "inf" ? .infinity : try container.decode(Double.self)
    }
  }

  private let folder: Folder

  /// Two images of different sizes: 6 × 4 pixels with a column that is wrong, and 3 × 2 that are right, but for two ignored ones.
  init() throws {
    folder = try Folder()
    for directory in ["masks/a", "predictions/a"] { try folder.addFolder(directory) }
    var (truth, prediction) = (LabelMap(width: 6, height: 4), LabelMap(width: 6, height: 4))
    for row in 0..<4 {
      for column in 3..<6 { truth[row, column] = 1 }
      for column in 2..<6 { prediction[row, column] = 1 }
    }
    try truth.writePNG(to: folder.path("masks/a/wide.png"))
    try prediction.writePNG(to: folder.path("predictions/a/wide.png"))
    truth = LabelMap(width: 3, height: 2, labels: [2, 2, 255, 0, 0, 255])
    prediction = LabelMap(width: 3, height: 2, labels: [2, 2, 1, 0, 0, 0])
    try truth.writePNG(to: folder.path("masks/small.png"))
    try prediction.writePNG(to: folder.path("predictions/small.png"))
  }

  private var command: [String] {
    ["evaluate", "--predictions", folder.path("predictions"), "--masks", folder.path("masks")]
  }

  private func shares(_ parts: (Int, Int)...) -> [Double?] { parts.map { Double($0.0) / Double($0.1) } }

  private func isClose(_ actual: Double?, _ expected: Double) throws -> Bool {
    abs(try #require(actual) - expected) < 1e-12
  }

  private func text(_ name: String, _ lines: String) throws -> String { try folder.add(name, Array(lines.utf8)) }

  @Test func figuresAreThoseOfCounting() throws {
    let result = try seg(command + ["--json"])
    expectSuccess(result)
    let report: Report = try result.json()
    #expect(report.model == "predictions" && report.imageCount == 2)
    #expect(report.confusion == [[10, 4, 0], [0, 12, 0], [0, 0, 2]])
    #expect(report.classes.map(\.iou) == shares((10, 14), (12, 16), (2, 2)))
    #expect(report.classes.map(\.dice) == shares((20, 24), (24, 28), (4, 4)))
    #expect(report.classes.map(\.precision) == shares((10, 10), (12, 16), (2, 2)))
    #expect(report.classes.map(\.recall) == shares((10, 14), (12, 12), (2, 2)))
    #expect(report.classes.map(\.truthPixels) == [14, 12, 2])
    #expect(report.classes.map(\.predictedPixels) == [10, 16, 2])
    #expect(report.classes.map(\.name) == ["0", "1", "2"])
    // (10/14 + 12/16 + 1) / 3 in 28ths.
    #expect(try isClose(report.meanIou, 69.0 / 84))
    #expect(report.mean.iou == report.meanIou)
    #expect(report.pixelAccuracy == 24.0 / 28)
    // (10/14 + 1 + 1) / 3, and (14 · 10/14 + 12 · 12/16 + 2) / 28.
    #expect(try isClose(report.meanClassAccuracy, 38.0 / 42))
    #expect(try isClose(report.frequencyWeightedIou, 21.0 / 28))
    #expect(report.images.map(\.name) == ["a/wide", "small"])
    #expect(report.images.map(\.iou) == shares((3, 4), (1, 1)))
    #expect(report.images.map(\.pixelAccuracy) == shares((20, 24), (4, 4)))
    // In the first image the classes' boundaries are one column apart, in the second they agree.
    #expect(report.trimap.map(\.width) == [1, 3, 5, 10])
    // Beside the true boundary eight pixels of the first image, four of them wrong, and the four that count of the second.
    #expect(report.trimap[0].pixelAccuracy == 8.0 / 12)
    #expect(report.classes[2].averageSurfaceDistance == Distance(0))
  }

  @Test func conventionsAreChosen() throws {
    func report(_ options: [String]) throws -> Report {
      let result = try seg(command + ["--json"] + options)
      expectSuccess(result)
      return try result.json()
    }
    // A tolerance of no pixels finds half of the boundaries wrong, one of a pixel none.
    let strict = try #require(try report(["--boundary-tolerance", "0"]).mean.boundaryF1)
    let loose = try #require(try report(["--boundary-tolerance", "1"]).mean.boundaryF1)
    #expect(strict < 0.9 && loose == 1)
    #expect(try report(["--boundary-tolerance", "20%"]).mean.boundaryF1 == 1)
    let (unit, half) = (try report([]), try report(["--spacing", "0.5"]))
    let distance = try #require(unit.classes[1].averageSurfaceDistance?.value)
    #expect(distance > 0)
    #expect(try isClose(half.classes[1].averageSurfaceDistance?.value, distance / 2))
    #expect(try report(["--trimap-widths", "2"]).trimap.map(\.width) == [2])
    // Background left out: the four wrong pixels of the mask's class 0 do not count.
    let ignoring = try report(["--ignore", "0,255"])
    #expect(ignoring.confusion == [[0, 0, 0], [0, 12, 0], [0, 0, 2]] && ignoring.pixelAccuracy == 1)
    let binary = try report(["--binary"])
    // Label 255 is foreground there; one of its two pixels is predicted as label 1, the other as 0.
    #expect(binary.confusion == [[10, 4], [1, 15]])
    // With class 255 not ignored, it is a class that is never predicted.
    #expect(try report(["--ignore", "none"]).confusion.count == 256)
  }

  @Test func aClassThatOneSideLacksFollowsTheConvention() throws {
    try LabelMap(width: 3, height: 2, labels: [0, 0, 0, 0, 0, 0]).writePNG(to: folder.path("predictions/small.png"))
    func distance(_ choice: String) throws -> Double? {
      let report: Report = try seg(command + ["--json", "--empty-masks", choice]).json()
      return report.classes[2].averageSurfaceDistance?.value
    }
    #expect(try distance("infinite") == .infinity)
    #expect(try isClose(distance("diagonal"), 13.0.squareRoot()))
    expectFailure(
      try seg(command + ["--empty-masks", "refused"]), 65, ["masks/small.png", "the prediction is empty"])
    let result = try seg(command)
    expectSuccess(result)
    #expect(result.output.contains("∞"))
  }

  @Test func namesAndSeparatedValues() throws {
    let names = try text("names.txt", "sky\nroad, \"wide\"\r\n<car>\n\n")
    let result = try seg(command + ["--csv", "--class-names", names])
    expectSuccess(result)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[0].hasPrefix("label,name,truth_pixels,predicted_pixels,iou,dice,precision,recall,boundary_f1,"))
    #expect(lines[1].hasPrefix("0,sky,14,10,0.714285714"))
    #expect(lines[2].hasPrefix("1,\"road, \"\"wide\"\"\",12,16,0.75,"))
    #expect(lines[3].hasPrefix("2,<car>,2,2,1.0,1.0,1.0,1.0,"))
    #expect(lines[4].hasPrefix(",mean,28,28,0.8214285714"))
    #expect(lines.allSatisfy { $0.hasSuffix("hausdorff95") || $0.last?.isNumber == true })
    let table = try seg(command + ["--class-names", names])
    #expect(table.output.split(separator: "\n").contains { $0.hasPrefix("<car> ") && $0.contains("100.00 %") })
    #expect(table.output.contains("mean class accuracy: 90.48 %\n"))
  }

  @Test func thePageStandsAlone() throws {
    let names = try text("names.txt", "sky\nroad & <rail>\ncar\n")
    let colors = try text("colors.txt", "#102030\n200 100 50\n1,2,3\n")
    for name in ["a/wide", "small"] {
      let mask = try LabelMap(contentsOf: folder.path("masks/\(name).png"))
      try folder.addFolder("photos/a")
      try Image(
        width: mask.width, height: mask.height, layout: .grey,
        samples: .uint8(Array(repeating: 90, count: mask.labels.count))
      ).writePNG(to: folder.path("photos/\(name).png"))
    }
    let file = folder.path("report.html")
    for photos in [[], ["--images", folder.path("photos")]] {
      let result = try seg(command + ["--html", file, "--class-names", names, "--palette", colors] + photos)
      expectSuccess(result)
      let page = String(decoding: try bytes(file), as: UTF8.self)
      #expect(page.hasPrefix("<!DOCTYPE html>"))
      #expect(page.contains("<svg") && page.contains("road &amp; &lt;rail&gt;") && !page.contains("<rail>"))
      #expect(page.contains("sky as road &amp; &lt;rail&gt;: 4 pixels, 28.57 %"))
      #expect(page.contains("rgb(16,32,48)") && page.contains("rgb(200,100,50)"))
      #expect(page.contains("<h2>Best images</h2>") && page.contains("<h2>Worst images</h2>"))
      #expect(page.contains("small: 100.00 %") && page.contains("a/wide: 75.00 %"))
      #expect(page.contains("predicted as another class <small>16.7 %</small>"))
      #expect(page.contains("<small>mask 50.0 %, prediction 66.7 %</small>"))
      // Nothing is loaded from anywhere: no script, no link, and the only address is the name of SVG.
      #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("url("))
      #expect(page.replacing("http://www.w3.org/2000/svg", with: "").contains("http") == false)
      let pictures = page.matches(of: /src="data:image\/png;base64,([^"]+)"/)
      // Two images: the better one is the best, the other the worst, each with mask, prediction and errors.
      #expect(pictures.count == 6)
      for picture in pictures {
        let png = try #require(Data(base64Encoded: String(picture.1)))
        let image = try Image(decoding: Array(png))
        #expect(
          [Extent2D(height: 4, width: 6), Extent2D(height: 2, width: 3)].contains(
            Extent2D(height: image.height, width: image.width)))
      }
      // The mask of the worst image, in the colours of classes 0 and 1 where there is no photograph.
      guard photos.isEmpty else { continue }
      let worst = try #require(page.range(of: "<h2>Worst images</h2>")).upperBound
      let first = try #require(pictures.first { $0.range.lowerBound > worst })
      let image = try Image(decoding: Array(try #require(Data(base64Encoded: String(first.1)))))
      guard case .uint8(let samples) = image.samples else { throw CancellationError() }
      #expect(Array(samples[0..<3]) == [16, 32, 48] && Array(samples[15..<18]) == [200, 100, 50])
    }
  }

  /// Without names class 0 is the background, so errors are false positives or negatives; six images are three best and three worst.
  @Test func errorsAndImagesAreToldApart() throws {
    for (index, wrong) in (1...6).enumerated() {
      let truth = LabelMap(width: 10, height: 1, labels: (0..<10).map { $0 < 6 ? 1 : 0 })
      var prediction = truth
      for pixel in 0..<wrong { prediction.labels[pixel] = 0 }
      prediction.labels[9] = 1
      prediction.labels[5] = 2
      for (directory, map) in [("t", truth), ("p", prediction)] {
        try folder.addFolder(directory)
        try map.writePNG(to: folder.path("\(directory)/\(index).png"))
      }
    }
    let file = folder.path("page.html")
    func page(_ options: [String] = []) throws -> String {
      expectSuccess(
        try seg(
          ["evaluate", "--predictions", folder.path("p"), "--masks", folder.path("t"), "--html", file] + options))
      return String(decoding: try bytes(file), as: UTF8.self)
    }
    let legend = try page()
    #expect(legend.contains("false positive: only predicted <small>10.0 %</small>"))
    #expect(legend.contains("false negative: only in the mask <small>40.0 %</small>"))
    #expect(legend.contains("predicted as another class <small>10.0 %</small>"))
    let titles = legend.matches(of: /<h3 id="image-(\d)">/).map { String($0.1) }
    // The predictions of images 4 and 5 are equal: the sixth pixel is of another class in both.
    #expect(titles == ["0", "1", "2", "4", "5", "3"])
    // A click on a picture leads to its figure, and a link in the figure back to the image's title.
    let targets = Set(legend.matches(of: #/ id="([^"]+)"/#).map { String($0.1) })
    let links = legend.matches(of: /href="#([^"]+)"/).map { String($0.1) }
    #expect(links.count == 36 && links.allSatisfy { targets.contains($0) } && targets.count == 6 + 18)
    #expect(!(try page(["--no-legend"]).contains("false positive")))
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let masks = ["--masks", folder.path("masks")]
    let both = ["evaluate", "--predictions", folder.path("predictions")] + masks
    let none: [String] = ["evaluate"] + masks
    let wrong: [(added: [String], part: String)] = [
      (["--model", "unet"], "--predictions"), (["--threshold", "0.5"], "--predictions"),
      (["--json", "--csv"], "--csv"), (["--classes", "0"], "--classes"),
      (["--ignore", "1,x"], "--ignore"), (["--trimap-widths", "0"], "--trimap-widths"),
      (["--spacing", "-1"], "--spacing"), (["--boundary-tolerance", "x%"], "--boundary-tolerance"),
      (["--empty-masks", "maybe"], "--empty-masks"),
    ]
    expectFailure(try seg(none), 64, ["--predictions"])
    expectFailure(try seg(none + ["--images", "x"]), 64, ["--model"])
    for (added, part) in wrong {
      expectFailure(try seg(both + added), 64, [part])
    }
    expectFailure(try seg(both + ["--classes", "2"]), 65, ["masks/small.png", "label 2", "0 to 1"])
    let names = try text("names.txt", "a\nb\n")
    expectFailure(try seg(both + ["--class-names", names, "--classes", "3"]), 65, ["3 classes", "2 names"])
    expectFailure(try seg(both + ["--class-names", folder.path("none")]), 66, [folder.path("none")])
    let colors = try text("colors.txt", "#102030\nblue\n")
    expectFailure(try seg(both + ["--palette", colors]), 65, [colors, "line 2", "blue"])
    expectFailure(try seg(both + ["--html", folder.path("none/report.html")]), 73, ["none"])
    try LabelMap(width: 3, height: 3).writePNG(to: folder.path("predictions/small.png"))
    expectFailure(try seg(both), 65, ["masks/small.png", "3×3", "2×3"])
  }
}
