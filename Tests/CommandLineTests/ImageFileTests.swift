import Foundation
import SegEngine
import SegIO
import Testing

/// What `seg segment` says of image files, and the options by which they are read.
@Suite struct ImageFileTests {
  private struct Report: Decodable {
    struct Entry: Decodable {
      let warnings: [String]
      let pixels: [String: Int]
    }
    let images: [Entry]
  }

  private func segment(
    _ name: String, _ options: [String] = []
  ) throws -> (result: Program.Result, entry: Report.Entry?) {
    let folder = try Folder()
    let path = Repository.path("Tests/Fixtures/images-further/\(name)")
    let result = try seg(
      [
        "segment", path, "--model", "pupil-unet", "--weights", Repository.weights, "--output", folder.path("masks"),
        "--json",
      ]
        + options)
    return (result, try? (result.json() as Report).images.first)
  }

  @Test(arguments: [
    ("no_end.jpg", "has no end marker; what is there was read"),
    ("three_pages.tif", "has 3 pages; page 1 was read (--page)"),
    ("animation.gif", "is an animation; its first frame was read"), ("twelve_in_sixteen.tif", "(--white-level)"),
    ("float32_255.tif", "white is taken as 1"), ("float32_nan.tif", "3 of its samples are not finite numbers"),
  ])
  func warningsAreLinesAndInTheReport(_ name: String, _ words: String) throws {
    let (result, entry) = try segment(name)
    #expect(result.exitCode == 0)
    let lines = try #require(result.errorLines)
    #expect(lines.count == 1)
    #expect(lines.allSatisfy { $0.hasPrefix("seg: ") && $0.contains(name) && $0.contains(words) })
    #expect(try #require(entry).warnings.count == 1)
  }

  @Test(arguments: [
    "rgb24.bmp", "bands4.tif", "lossless.webp", "cmyk.jpg", "hwc8.npy", "raw.ppm", "max_sample_value.tif",
  ])
  func honestFilesHaveNoWarnings(_ name: String) throws {
    let (result, entry) = try segment(name)
    expectSuccess(result)
    #expect(try #require(entry).warnings.isEmpty)
  }

  @Test func pagesAreChosen() throws {
    let (result, entry) = try segment("three_pages.tif", ["--page", "3"])
    #expect(result.exitCode == 0)
    #expect(try #require(entry).warnings.first?.contains("page 3 was read") ?? false)
    let missing = try segment("three_pages.tif", ["--page", "4"]).result
    expectFailure(missing, 65, ["has 3 pages, no page 4"])
    #expect(try segment("three_pages.tif", ["--page", "0"]).result.exitCode == 64)
  }

  @Test func theWhiteLevelIsGiven() throws {
    let (result, entry) = try segment("twelve_in_sixteen.tif", ["--white-level", "4095"])
    expectSuccess(result)
    #expect(try #require(entry).warnings.isEmpty)
    // The same samples with a tag that states it.
    #expect(try #require(entry).pixels == #require(try segment("max_sample_value.tif").entry).pixels)
    #expect(try segment("twelve_in_sixteen.tif", ["--white-level", "0"]).result.exitCode == 64)
  }
}
