import Foundation
import SegIO
import Testing

/// Images and masks find each other by the names that data sets give them.
@Suite struct LabelledImagesTests {
  /// A data set of empty files, whose contents nobody looks at.
  private func pairs(
    _ images: [String], _ masks: [String], _ subject: LabelledImages.Subject = .predictions, imageSuffix: String? = nil,
    maskSuffix: String? = nil, isOne: Bool = false, readsColors: Bool = false, contents: [String: [UInt8]] = [:]
  ) throws -> [[String]] {
    try withTemporaryFolder { folder in
      let (left, right) = (folder + "/i", folder + (isOne ? "/i" : "/m"))
      for (root, files) in [(left, images), (right, masks)] {
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for file in files {
          let url = URL(filePath: root).appending(path: file)
          try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
          try Data(contents[file] ?? []).write(to: url)
        }
      }
      let found = try LabelledImages(
        images: left, masks: right, subject: subject, imageSuffix: imageSuffix, maskSuffix: maskSuffix,
        readsColors: readsColors)
      return found.pairs.map { pair in
        [pair.name, String(pair.image.dropFirst(left.count + 1)), String(pair.mask.dropFirst(right.count + 1))]
      }
    }
  }

  private func complaint(_ images: [String], _ masks: [String], maskSuffix: String? = nil) -> String {
    do {
      return "\(try pairs(images, masks, maskSuffix: maskSuffix))"
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    "_mask", "_masks", "-mask", ".mask", " (mask)", "_Mask", "_label", "_labels", "_seg", "_segmentation", "_gt", "_GT",
    "_gt_mask",
    "_gtFine_labelIds", "_gtFine_labelTrainIds", "_gtCoarse_labelIds", "_gt_labelTrainIds", "_labelTrainIds",
    "_label_ids",
    "_train_id", "_L", "_lab", "_annotation", "_groundtruth", "_ground_truth", "_manual1", "_instance_color_RGB",
    "_labelmap",
  ]) func wordsAtTheEnd(_ suffix: String) throws {
    #expect(
      try pairs(["a/x1.jpg", "b.c.png"], ["a/x1\(suffix).png", "b.c\(suffix).tif"], .images) == [
        ["a/x1", "a/x1.jpg", "a/x1\(suffix).png"], ["b.c", "b.c.png", "b.c\(suffix).tif"],
      ])
  }

  @Test(arguments: ["mask_", "seg-", "gt_", "labels_", "segmentation-", "mask", "ground_truth_"])
  func wordsAtTheBeginning(_ prefix: String) throws {
    #expect(try pairs(["001.png"], ["\(prefix)001.png"]) == [["001", "001.png", "\(prefix)001.png"]])
    #expect(try pairs(["img001.png"], ["\(prefix)001.png"]) == [["img001", "img001.png", "\(prefix)001.png"]])
  }

  @Test(arguments: [
    ("x_leftImg8bit.png", "x_gtFine_labelIds.png"), ("top_2_RGB.tif", "top_2_label.tif"), ("7_sat.jpg", "7_mask.png"),
    ("f_rgb_anon.png", "f_gt_labelIds.png"), ("case_0000.png", "case.png"), ("volume-3.png", "segmentation-3.png"),
    ("image_1.png", "mask_1.png"), ("x_pred.png", "x.png"), ("x_pred.png", "x_gt.png"),
  ]) func wordsOnBothSides(image: String, mask: String) throws {
    #expect(try pairs([image], [mask]).map { Array($0.dropFirst()) } == [[image, mask]])
  }

  @Test func theSameNameGoesBeforeOneThatIsAlike() throws {
    #expect(
      try pairs(["a.png", "a_mask.png"], ["a.png", "a_mask.png"]).map { Array($0.dropFirst()) }
        == [["a.png", "a.png"], ["a_mask.png", "a_mask.png"]])
    // A JPEG beside a mask is the photograph.
    #expect(try pairs(["a.png"], ["a.jpg", "a.png"]) == [["a", "a.png", "a.png"]])
  }

  @Test func directoriesSayWhatIsInThem() throws {
    #expect(
      try pairs(
        [
          "leftImg8bit/val/f/x_leftImg8bit.png", "gtFine/val/f/x_gtFine_labelIds.png",
          "gtFine/val/f/x_gtFine_color.png",
        ], [],
        .images, isOne: true)
        == [["val/f/x_leftImg8bit", "leftImg8bit/val/f/x_leftImg8bit.png", "gtFine/val/f/x_gtFine_labelIds.png"]])
    #expect(
      try pairs(["images/x.png", "masks/x.png"], [], .images, isOne: true) == [["x", "images/x.png", "masks/x.png"]])
    // All in one directory: names say it, or that there is a photograph beside.
    #expect(
      try pairs(["x.png", "x_mask.png", "y.jpg", "y.png"], [], .images, isOne: true)
        == [["x", "x.png", "x_mask.png"], ["y", "y.jpg", "y.png"]])
    #expect(try pairs(["x.png"], [], isOne: true) == [["x", "x.png", "x.png"]])
    // Flat predictions of images that lie in several directories, and directories that differ.
    #expect(
      try pairs(["x_leftImg8bit.png", "y_leftImg8bit.png"], ["f/x_gtFine_labelIds.png", "g/y_gtFine_labelIds.png"]).map(
        \.[2])
        == ["f/x_gtFine_labelIds.png", "g/y_gtFine_labelIds.png"])
    #expect(complaint(["a/x.png", "b/y.png"], ["b/x.png", "b/y.png"]).contains("there is no mask for a/x.png"))
  }

  /// The first bytes of PNG files, of colours and of a palette.
  private static func png(colorType: UInt8) -> [UInt8] {
    [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + [
      0, 0, 0, 1, 0, 0, 0, 1, 8, colorType, 0, 0,
    ]
  }

  @Test func whatIsNoLabelImageIsPassedOver() throws {
    #expect(try pairs(["x.png", "x_overlay.png"], ["x.png"]) == [["x", "x.png", "x.png"]])
    #expect(try pairs(["x.png"], ["x.png", "x_overlay.png"], .images) == [["x", "x.png", "x.png"]])
    // Overlays on both sides; and files that are called so and have labels.
    for (colorType, count) in [(UInt8(2), 1), (3, 2)] {
      let found = try pairs(
        ["x.png", "x_overlay.png"], ["x.png", "x_overlay.png"],
        contents: ["x_overlay.png": Self.png(colorType: colorType)])
      #expect(found.count == count)
    }
    #expect(complaint(["x_overlay.png"], ["x.png"]).contains("no mask for x_overlay.png"))
    let scene = ["x_gtFine_color.png", "x_gtFine_instanceIds.png", "x_gtFine_labelIds.png"]
    #expect(try pairs(["x.png"], scene).map(\.[2]) == ["x_gtFine_labelIds.png"])
    // Where colours are labels, both may be meant.
    let error = #expect(throws: DatasetError.self) { try pairs(["x.png"], scene, readsColors: true) }
    #expect(error?.description.contains("x_gtFine_color.png and x_gtFine_labelIds.png") == true)
    #expect(
      try pairs(["x.png"], scene, maskSuffix: "_gtFine_color", readsColors: true).map(\.[2]) == ["x_gtFine_color.png"])
    // Numbers beside a picture.
    #expect(try pairs(["x.npy", "x.png"], ["x.png"]) == [["x", "x.png", "x.png"]])
    #expect(try pairs(["x.npy"], ["x.png"]) == [["x", "x.npy", "x.png"]])
  }

  @Test(arguments: [
    (["0.png"], ["0_label.png", "0_mask.png"], "0_label.png and 0_mask.png may both be the mask of 0.png"),
    (["0.png"], ["0.png", "0_mask.png"], "0.png and 0_mask.png may both be the mask of 0.png"),
    (["0.png"], ["0.png", "0.tif"], "0.png and 0.tif may both be the mask of 0.png"),
    (["0.png"], ["a/0.png", "b/0.png"], "a/0.png and b/0.png may both be the mask of 0.png"),
    (["0.png", "0_leftImg8bit.png"], ["0.png"], "0.png and 0_leftImg8bit.png may both belong to the mask 0.png"),
    (["0.png", "0.tif"], ["0_gt.png"], "0.png and 0.tif may both belong to the mask 0_gt.png"),
    (["0.png", "1.png"], ["0.png"], "there is no mask for 1.png"),
    (["0.png"], ["0.png", "1_mask.png"], "there is no image for the mask 1_mask.png"),
    ([], ["0.png"], "there are no images"),
  ]) func whatIsAmbiguousIsNamed(images: [String], masks: [String], part: String) {
    #expect(complaint(images, masks).contains(part))
  }

  @Test func suffixesDecide() throws {
    let masks = ["x_gtFine_labelIds.png", "x_gtFine_labelTrainIds.png"]
    #expect(complaint(["x_leftImg8bit.png"], masks).contains("\(masks[0]) and \(masks[1])"))
    for suffix in ["_gtFine_labelTrainIds", "_gtFine_labelTrainIds.png"] {
      #expect(try pairs(["x_leftImg8bit.png"], masks, maskSuffix: suffix).map(\.[2]) == [masks[1]])
    }
    #expect(
      try pairs(["x_a.png", "x_b.png"], ["x_truth_of_a.png"], imageSuffix: "_a", maskSuffix: "_truth_of_a").map(\.[1])
        == ["x_a.png"])
    let error = #expect(throws: DatasetError.self) { try pairs(["x.png"], ["x.png"], imageSuffix: "_a") }
    #expect(error?.description.contains("called …_a") == true)
  }
}
