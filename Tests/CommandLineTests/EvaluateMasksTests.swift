import Foundation
import SegEngine
import SegIO
import TestSupport
import Testing

/// `seg evaluate` with masks as data sets store, number and name them, against counts by hand.
@Suite struct EvaluateMasksTests {
  private struct Report: Decodable {
    struct ClassEntry: Decodable {
      let name: String
      let iou, dice, boundaryF1, boundaryIou: Double?
      let truthPixels: Int
    }
    let meanIou, pixelAccuracy: Double?
    let classes: [ClassEntry]
    let images: [ImageEntry]
    let confusion: [[Int]]
    let trimap: [Band]
    let warnings: [String]

    struct ImageEntry: Decodable { let name: String }
    struct Band: Decodable { let width: Int }
  }

  private let folder: Folder

  init() throws { folder = try Folder() }

  /// A label image of one row.
  private func add(_ path: String, _ labels: [UInt16]) throws {
    try folder.addFolder((path as NSString).deletingLastPathComponent)
    try LabelMap(width: labels.count, height: 1, labels: labels).writePNG(to: folder.path(path))
  }

  /// A picture of one row in colours.
  private func add(_ path: String, colors: [(UInt8, UInt8, UInt8)]) throws {
    try folder.addFolder((path as NSString).deletingLastPathComponent)
    try Image(
      width: colors.count, height: 1, layout: .rgb, samples: .uint8(colors.flatMap { [$0.0, $0.1, $0.2] })
    ).writePNG(to: folder.path(path))
  }

  private func evaluate(_ options: String..., in directories: (String, String) = ("p", "m")) throws -> Program.Result {
    try seg(
      ["evaluate", "--predictions", folder.path(directories.0), "--masks", folder.path(directories.1)] + options)
  }

  private func report(_ result: Program.Result) throws -> Report {
    expectSuccess(result)
    return try result.json()
  }

  @Test func furtherPagesOfMasksAreSaid() throws {
    try folder.addFolder("p")
    try folder.addFolder("m")
    let pages = TestSupport.Fixtures.url("images-further/three_pages.tif")
    for name in ["p/a.tif", "m/a.tif"] {
      try FileManager.default.copyItem(at: pages, to: URL(filePath: folder.path(name)))
    }
    let result = try evaluate("--json", "--metrics", "iou")
    #expect(result.exitCode == 0, "\(result.errors)")
    let report: Report = try result.json()
    #expect(report.meanIou == 1)
    #expect(report.warnings.count == 2)
    for (warning, name) in zip(report.warnings, ["p/a.tif", "m/a.tif"]) {
      #expect(warning == "\(folder.path(name)): has 3 pages; page 1 was read")
      #expect(result.errors.contains("seg: \(warning)"))
    }
  }

  // MARK: Numbers of classes

  @Test func masksOf0And255AreAskedAbout() throws {
    try add("p/a.png", [0, 1, 1, 0])
    try add("m/a.png", [0, 255, 0, 0])
    try add("p/b.png", [0, 0, 0, 0])
    try add("m/b.png", [0, 0, 0, 0])
    for options in [[], ["--classes", "2"], ["--reduce-zero-label"]] as [[String]] {
      let result = try seg(
        ["evaluate", "--predictions", folder.path("p"), "--masks", folder.path("m"), "--json"] + options)
      expectFailure(result, 65, ["m/a.png", "0 and 255", "--binary", "--ignore 255"])
    }
    #expect(try report(evaluate("--binary", "--json")).confusion == [[6, 1], [0, 1]])
    // Who names the label that counts for nothing is not asked.
    #expect(try report(evaluate("--ignore", "255", "--json")).confusion == [[6, 1], [0, 0]])
    // Another mask says that 255 is no foreground, whichever comes first.
    try add("m/b.png", [0, 1, 0, 0])
    #expect(try report(evaluate("--json")).confusion == [[5, 1], [1, 0]])
    try add("m/a.png", [0, 65535, 0, 0])
    try add("m/b.png", [0, 0, 0, 0])
    expectFailure(try evaluate("--json"), 65, ["0 and 65535", "--binary"])
    #expect(try report(evaluate("--binary", "--json")).confusion == [[6, 1], [0, 1]])
    // Predictions of 0 and 255 against masks of 0 and 1.
    try add("p/a.png", [0, 255, 255, 0])
    try add("m/a.png", [0, 1, 0, 0])
    expectFailure(try evaluate("--json"), 65, ["p/a.png", "label 255", "--binary"])
    #expect(try report(evaluate("--binary", "--json")).confusion == [[6, 1], [0, 1]])
  }

  @Test func labelZeroMayStandForNoClass() throws {
    try add("p/a.png", [0, 1, 2, 1, 0, 0])
    try add("m/a.png", [1, 2, 3, 3, 0, 255])
    let reduced = try report(evaluate("--reduce-zero-label", "--classes", "3", "--json"))
    #expect(reduced.confusion == [[1, 0, 0], [0, 1, 0], [0, 1, 1]])
    // The number of classes follows from the labels.
    #expect(try report(evaluate("--reduce-zero-label", "--json")).confusion == reduced.confusion)
    #expect(
      try report(evaluate("--reduce-zero-label", "--ignore", "3", "--classes", "256", "--json")).confusion[254][0] == 1)
    expectFailure(try evaluate("--reduce-zero-label", "--binary"), 64, ["--binary", "--reduce-zero-label"])
  }

  /// With more than 255 classes 255 is one of them, or not: nobody knows.
  @Test func label255OfManyClassesIsAskedAbout() throws {
    try add("p/a.png", [0, 255, 300])
    try add("m/a.png", [0, 255, 300])
    expectFailure(try evaluate("--json"), 65, ["m/a.png", "label 255", "301 classes", "--ignore none", "--ignore 255"])
    #expect(try report(evaluate("--ignore", "none", "--json")).pixelAccuracy == 1)
    #expect(try report(evaluate("--ignore", "255", "--json")).classes[255].truthPixels == 0)
    expectFailure(try evaluate("--classes", "400", "--json"), 65, ["label 255", "400 classes"])
    try add("m/a.png", [0, 1, 300])
    try add("p/a.png", [0, 1, 300])
    #expect(try report(evaluate("--json")).meanIou == 1)
    // So many classes that their pairs cannot be counted: numbers of objects, perhaps.
    try add("m/a.png", [0, 1, 65534])
    expectFailure(try evaluate("--json"), 65, ["m/a.png", "label 65534", "65535 classes", "--ignore", "memory"])
  }

  @Test func negativeNumbersAreNoClass() throws {
    for name in ["int16.tif", "int32.tif", "int64.npy", "float32.tif"] {
      let stored = try LabelMap(contentsOf: Repository.path("Tests/Fixtures/labels/\(name)"))
      try folder.add(
        "m/a." + (name as NSString).pathExtension, copyOf: Repository.path("Tests/Fixtures/labels/\(name)"))
      try folder.addFolder("p")
      var prediction = stored
      for index in prediction.labels.indices where prediction.labels[index] == LabelMap.unlabelled {
        prediction.labels[index] = 3
      }
      try prediction.writePNG(to: folder.path("p/a.png"))
      let found = try report(evaluate("--json"))
      #expect(found.pixelAccuracy == 1 && found.classes.map(\.truthPixels).reduce(0, +) == 34, "\(name)")
      expectFailure(try evaluate("--json", "--ignore", "none"), 65, ["m/a.", "without a label", "--ignore none"])
      // A prediction has a class everywhere.
      expectFailure(
        try evaluate("--json", in: ("m", "p")), 65, ["m/a.", "the prediction holds pixels without a label"])
      try FileManager.default.removeItem(atPath: folder.path("m"))
    }
  }

  // MARK: Colours

  @Test func coloursAreClassesByAPalette() throws {
    // Cityscapes' road, car, sky, and pixels of none of its classes.
    try add("m/a_gtFine_color.png", colors: [(128, 64, 128), (0, 0, 142), (70, 130, 180), (0, 0, 0), (81, 0, 81)])
    try add("p/a_leftImg8bit.png", [0, 13, 0, 5, 5])
    let cityscapes = try report(evaluate("--palette", "cityscapes", "--classes", "19", "--json"))
    #expect(cityscapes.pixelAccuracy == 2.0 / 3)
    #expect(cityscapes.classes[13].name == "car" && cityscapes.classes[13].iou == 1 && cityscapes.classes[10].iou == 0)
    // The same from a file, with names and a label of its own.
    let file = try folder.add(
      "classes.csv", Array("name,r,g,b\nroad,128,64,128\ncar,0,0,142\nsky,70,130,180\n-1 0 0 0\n-1 81 0 81\n".utf8))
    try add("p/a_leftImg8bit.png", [0, 1, 0, 0, 0])
    let own = try report(evaluate("--palette", file, "--json"))
    #expect(
      own.confusion == [[1, 0, 0], [0, 1, 0], [1, 0, 0]] && own.classes.map(\.name) == ["road", "car", "sky"])
    // Predictions in colours.
    try add("q/a.png", colors: [(128, 64, 128), (0, 0, 142), (70, 130, 180), (128, 64, 128), (128, 64, 128)])
    #expect(try report(evaluate("--palette", file, "--json", in: ("q", "m"))).pixelAccuracy == 1)
    expectFailure(
      try evaluate("--palette", "voc", "--json"), 65, ["m/a_gtFine_color.png", "128 64 128", "column 0, row 0"])
    expectFailure(try evaluate("--json"), 65, ["m/a_gtFine_color.png", "RGB", "palette"])
    expectFailure(try evaluate("--palette", folder.path("none.txt"), "--json"), 66, ["none.txt"])
    // Known tables count classes from 0: there is nothing to reduce.
    expectFailure(try evaluate("--palette", "cityscapes", "--reduce-zero-label", "--json"), 65, ["RGB"])
  }

  // MARK: Files

  @Test func namesOfDataSetsFindEachOther() throws {
    for name in ["f/f_000000_leftImg8bit", "g/g_000001_leftImg8bit"] { try add("p/\(name).png", [0, 1, 1]) }
    for name in ["f/f_000000_gtFine_labelIds", "g/g_000001_gtFine_labelIds"] { try add("m/\(name).png", [0, 1, 0]) }
    let found = try report(evaluate("--json"))
    #expect(found.confusion == [[2, 2], [0, 2]])
    #expect(found.images.map(\.name) == ["f/f_000000_leftImg8bit", "g/g_000001_leftImg8bit"])
    try add("m/f/f_000000_gtFine_labelTrainIds.png", [0, 1, 1])
    try add("m/g/g_000001_gtFine_labelTrainIds.png", [0, 1, 1])
    expectFailure(
      try evaluate("--json"), 65,
      [
        "f/f_000000_gtFine_labelIds.png", "f/f_000000_gtFine_labelTrainIds.png", "f/f_000000_leftImg8bit.png",
        "--mask-suffix",
      ])
    #expect(try report(evaluate("--mask-suffix", "_gtFine_labelTrainIds", "--json")).pixelAccuracy == 1)
    #expect(
      try report(evaluate("--mask-suffix", "_gtFine_labelIds", "--image-suffix", "_leftImg8bit", "--json")).confusion
        == found.confusion)
  }

  /// The lines of the README, one after the other: what the first writes, the second compares.
  @Test func overlaysAreNoPredictions() throws {
    let options = ["--model", "pupil-unet", "--weights", Repository.weights]
    expectSuccess(
      try seg(["segment"] + (0..<3).map(Repository.image) + options + ["-o", folder.path("masks"), "--overlay"]))
    #expect(try folder.contents().keys.count { $0.hasSuffix("_overlay.png") } == 3)
    let frames = Repository.path("Examples/pupil/images")
    let masks = Repository.path("Examples/pupil/masks")
    let compared: Report = try report(
      seg(["evaluate", "--predictions", folder.path("masks"), "--masks", masks, "--json"]))
    #expect(compared.images.map(\.name) == Repository.frames)
    let network: Report = try report(seg(["evaluate", "--images", frames, "--masks", masks, "--json"] + options))
    #expect(compared.confusion == network.confusion)
    // The masks that have overlays beside them as the truth.
    let same: Report = try report(
      seg(["evaluate", "--images", frames, "--masks", folder.path("masks"), "--json"] + options))
    #expect(same.pixelAccuracy == 1 && same.images.count == 3)
    let both = try seg(
      [
        "evaluate", "--predictions", folder.path("masks"), "--masks", folder.path("masks"), "--html",
        folder.path("r.html"),
        "--images", frames,
      ])
    expectSuccess(both)
  }

  // MARK: Figures

  @Test func figuresMayBeChosen() throws {
    try add("p/a.png", [0, 1, 1, 1, 0, 0])
    try add("m/a.png", [0, 0, 1, 1, 0, 0])
    let all = try report(evaluate("--json"))
    let result = try evaluate("--metrics", "iou,dice,boundary", "--json")
    let some = try report(result)
    #expect(some.classes.map(\.iou) == all.classes.map(\.iou) && some.classes.map(\.dice) == all.classes.map(\.dice))
    #expect(some.classes.map(\.boundaryF1) == all.classes.map(\.boundaryF1))
    #expect(some.classes.map(\.boundaryIou) == all.classes.map(\.boundaryIou))
    #expect(
      some.meanIou == all.meanIou && some.confusion == all.confusion && some.trimap.map(\.width) == [1, 3, 5, 10])
    for key in ["hausdorff", "average_surface_distance", "\"precision\"", "recall\""] where key != "recall\"" {
      #expect(!result.output.contains(key), "\(key)")
    }
    let table = try evaluate("--metrics", "IoU,assd")
    expectSuccess(table)
    #expect(table.output.contains("class     IoU  ASSD\n") || table.output.contains("ASSD\n"))
    #expect(!table.output.contains("Dice") && !table.output.contains("near boundaries"))
    let lines = try evaluate("--metrics", "iou,boundary-f1", "--csv")
    #expect(
      lines.output.hasPrefix(
        "label,name,truth_pixels,predicted_pixels,iou,boundary_f1,boundary_precision,boundary_recall\n"))
    let page = folder.path("r.html")
    expectSuccess(try evaluate("--metrics", "iou", "--html", page))
    #expect(String(decoding: try bytes(page), as: UTF8.self).contains("<h2>Confusion matrix</h2>"))
    expectFailure(try evaluate("--metrics", "iou,nonsense"), 64, ["--metrics", "iou,nonsense"])
  }
}
