import Foundation
import SegEngine
import SegIO
import Testing

/// `seg train`: from a folder of images and masks to a network that the other commands take.
@Suite struct TrainTests {
  private let small = ["--widths", "8,16", "--crop", "24", "--batch", "4", "--rate", "0.005"]

  @Test func aTrainedFolderIsANetwork() throws {
    let folder = try Folder()
    let (data, run) = (try makeSet(folder), folder.path("run"))
    let result = try seg(
      ["train", data, "-o", run, "--steps", "30", "--interval", "15", "--class-names", "ground,square"] + small)
    expectSuccess(result)
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 4, "\(result.output)")
    #expect(lines.first?.hasPrefix("5 images to train, 1 to validate, 32×40 pixels, 1 channel, 2 classes: ") == true)
    #expect(lines.last?.contains("mean IoU") == true)
    let mask = folder.path("mask.png")
    expectSuccess(
      try seg("segment", data + "/images/2.png", "--model", run, "--output-format", "labels", "-o", mask))
    let (labels, truth) = (try LabelMap(contentsOf: mask), try LabelMap(contentsOf: data + "/masks/2.png"))
    #expect(zip(labels.labels, truth.labels).count { $0 != $1 } < 60)
    let evaluation = try seg("evaluate", "--images", data + "/images", "--masks", data + "/masks", "--model", run)
    expectSuccess(evaluation)
    #expect(evaluation.output.contains("square"))
    // An exported run gives the labels of the run.
    expectSuccess(try seg("export", run, "--size", "32x40", "-o", folder.path("net.onnx")))
    let other = folder.path("other.png")
    expectSuccess(
      try seg(
        "segment", data + "/images/2.png", "--model", folder.path("net.onnx"), "--output-format", "labels", "-o", other)
    )
    #expect(zip(try LabelMap(contentsOf: other).labels, labels.labels).count { $0 != $1 } <= 2)
  }

  @Test func resumingNeedsTheSameChoices() throws {
    let folder = try Folder()
    let (data, run) = (try makeSet(folder), folder.path("run"))
    expectSuccess(try seg(["train", data, "-o", run, "--steps", "2"] + small))
    expectFailure(try seg(["train", data, "-o", run, "--steps", "2"] + small), 64, ["--resume"])
    expectFailure(try seg("train", data, "-o", run, "--resume", "--rate", "1"), 64, ["no other option"])
    expectSuccess(try seg("train", data, "-o", run, "--resume"))
    expectFailure(try seg("train", folder.path("run"), "-o", run, "--resume"), 64, ["was trained on"])
  }

  @Test func aPlanTrainsNothing() throws {
    let folder = try Folder()
    let data = try makeSet(folder)
    let result = try seg(["train", data, "-o", folder.path("run"), "--plan"] + small)
    expectSuccess(result)
    #expect(result.output.contains("ms a step") && result.output.contains("MB"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
  }

  @Test func ambiguousMasksNameTheOptions() throws {
    let folder = try Folder()
    let (data, run) = (try makeSet(folder, foreground: 255), folder.path("run"))
    expectFailure(try seg(["train", data, "-o", run, "--steps", "1"] + small), 65, ["--binary"])
    expectSuccess(try seg(["train", data, "-o", run, "--steps", "1", "--binary"] + small))
  }

  @Test func classesWithoutPixelsAreNamed() throws {
    let folder = try Folder()
    let (data, run) = (try makeSet(folder, foreground: 3), folder.path("run"))
    let result = try seg(["train", data, "-o", run, "--steps", "1"] + small)
    #expect(result.exitCode == 0)
    #expect(result.errors == "seg: no image to train has a pixel of class 1, 2, which cannot be learnt\n")
  }

  @Test func wrongChoicesAreErrors() throws {
    let folder = try Folder()
    let (data, run) = (try makeSet(folder), folder.path("run"))
    expectFailure(try seg("train", data, "-o", run, "--steps", "1", "--minutes", "1"), 64, ["exclude each other"])
    expectFailure(try seg("train", data, "-o", run, "--loss", "cee"), 64, ["loss"])
    expectFailure(try seg("train", data, "-o", run, "--model", "unett"), 64, ["unet"])
    expectFailure(try seg("train", folder.path("none"), "-o", run), 66, ["none"])
    #expect(!FileManager.default.fileExists(atPath: run))
  }
}
