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

  /// The files of probabilities that `seg segment` writes; 16 bits round them by 1/131070 at most.
  @Test func probabilitiesOfSegmentAreRead() throws {
    let folder = try Folder()
    let photo = Repository.image(1)
    expectSuccess(
      try seg(
        "segment", photo, "-o", folder.path("out"), "--output-format",
        "probabilities,probabilities-tiff,probabilities-16bit"))
    let name = String(photo.split(separator: "/").last!.split(separator: ".")[0])
    func marginals(_ file: String) throws -> Tensor {
      expectSuccess(
        try seg(
          "crf", photo, "--probabilities", folder.path("out/\(name)_\(file)"), "--marginals", folder.path("q.npy"),
          "--crf-iterations", "1"))
      return try Tensor(npyFile: folder.path("q.npy"))
    }
    let exact = try marginals("probabilities.npz")
    let values = try #require(try NPZ(contentsOf: folder.path("out/\(name)_probabilities.npz")).arrays["probabilities"])
    var field = DenseCRF.deepLab
    field.iterations = 1
    #expect(exact == (try field(values, image: Image(contentsOf: photo))))
    #expect(try marginals("probabilities.tif") == exact)
    let rounded = try marginals("probabilities_16bit.tif")
    for (rounded, exact) in zip(rounded.elements(of: Float.self), exact.elements(of: Float.self)) {
      #expect(abs(rounded - exact) < 1e-3)
    }
    try NPZ(["a": values, "b": values]).write(to: folder.path("two.npz"))
    expectFailure(
      try seg("crf", photo, "--probabilities", folder.path("two.npz"), "--json"), 65,
      ["no array probabilities", "a, b"])
    expectFailure(try seg("crf", photo, "--probabilities", photo, "--json"), 65, [])
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
