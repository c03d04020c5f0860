import SegEngine
import SegIO
import SegModels
import Testing

/// `seg crf`.
@Suite struct CRFTests {
  private struct Report: Decodable {
    let width, height, classes, iterations: Int
    let milliseconds: Double
  }

  private func probabilities(_ image: Image) -> Tensor {
    var generator = SeededGenerator(seed: 4)
    return Tensor(
      [image.height, image.width, 2],
      (0..<image.width * image.height).flatMap { _ -> [Float] in
        let value = Float.random(in: 0..<1, using: &generator)
        return [1 - value, value]
      })
  }

  @Test func marginalsAndLabelsAreThoseOfTheLibrary() throws {
    let folder = try Folder()
    let image = try Image(contentsOf: Repository.image(1))
    let values = probabilities(image)
    try values.writeNPY(to: folder.path("p.npy"))
    let result = try seg(
      "crf", Repository.image(1), "--probabilities", folder.path("p.npy"), "--output", folder.path("mask.png"),
      "--marginals", folder.path("q.npy"), "--json", "--repeats", "2")
    expectSuccess(result)
    let expected = try DenseCRF.deepLab(values, image: image)
    #expect(try Tensor(npyFile: folder.path("q.npy")) == expected)
    #expect(try LabelMap(contentsOf: folder.path("mask.png")) == LabelMap(probabilities: expected))
    let report: Report = try result.json()
    #expect(report.width == image.width && report.height == image.height && report.classes == 2)
    #expect(report.iterations == 10 && report.milliseconds > 0)
  }

  @Test func badInputIsOneLine() throws {
    let folder = try Folder()
    let image = try Image(contentsOf: Repository.image(1))
    let arguments = ["crf", Repository.image(1), "--json", "--probabilities"]
    func expect(_ tensor: Tensor, _ part: String) throws {
      try tensor.writeNPY(to: folder.path("bad.npy"))
      expectFailure(try seg(arguments + [folder.path("bad.npy")]), 65, ["bad.npy", part])
    }
    let values = probabilities(image)
    try expect(values.reshaped(to: [image.width, image.height, 2]), "pixels, the image")
    try expect(values.reshaped(to: [image.height, image.width * 2]), "[height, width, classes]")
    var bad = values
    bad[4, 5, 0] = Float.nan
    try expect(bad, "row 4, column 5")
    try expect(Tensor(values.shape, values.elements(of: Float.self).map { $0 * 2 }), "sum to 1")
    expectFailure(try seg(arguments + [folder.path("missing.npy")]), 66, ["missing.npy"])
    expectFailure(try seg(Array(arguments.dropLast(2)) + ["--probabilities", "x.npy"]), 64, ["--output"])
  }
}
