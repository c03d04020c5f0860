import Foundation
import SegEngine
import SegIO
import SegModels
import TestSupport
import Testing

/// Distances against scipy (`Tests/Fixtures/metrics/make_metrics.py`) and against the search of all pixels.
@Suite struct DistanceTransformTests {
  private static let tensors = Result {
    try Safetensors(contentsOf: TestSupport.Fixtures.url("metrics/distances.safetensors").path).tensors
  }

  private func mask(_ tensor: Tensor) -> BinaryMask {
    BinaryMask(
      width: tensor.shape[1], height: tensor.shape[0], isSet: tensor.elements(of: UInt8.self).map { $0 != 0 })
  }

  @Test(arguments: [1, 3]) func fiftyMasksAreThoseOfSciPy(_ threads: Int) throws {
    let workers = WorkerPool(threads: threads)
    let tensors = try Self.tensors.get()
    var signedMasks = 0
    for index in 0..<50 {
      let name = String(format: "%02d", index)
      let mask = mask(try tensors.named("\(name)/mask"))
      let squared = try tensors.named("\(name)/squared").elements(of: Int32.self).map { Int($0) }
      #expect(DistanceTransform.squaredDistances(to: mask, on: workers) == squared, "mask \(name)")
      let spaced = try tensors.named("\(name)/spaced").floats
      let distances = DistanceTransform.distances(
        to: mask, spacing: PixelSpacing(vertical: 0.7, horizontal: 1.3), on: workers)
      #expect(zip(distances, spaced).allSatisfy { abs($0 - Double($1)) <= 1e-6 * max(1, $0) }, "mask \(name)")
      guard let signed = tensors["\(name)/signed"] else { continue }
      signedMasks += 1
      let own = DistanceTransform.signedDistances(to: mask, on: workers)
      #expect(zip(own, signed.floats).allSatisfy { abs($0 - Double($1)) <= 1e-6 * max(1, abs($0)) }, "mask \(name)")
    }
    #expect(signedMasks > 40)
  }

  private struct Sums: Decodable {
    let count, sum, largest: Int
    let weighted: String
  }

  /// SplitMix64 of a number, as the script has it.
  private func hashed(_ index: Int, seed: UInt64) -> UInt64 {
    var z = (UInt64(index) &+ seed &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// Two masks of 4096² pixels: few pixels far apart, and full and empty blocks.
  @Test func largeMasksAreThoseOfSciPy() throws {
    let sums = try JSONDecoder().decode(
      [String: Sums].self, from: Data(contentsOf: TestSupport.Fixtures.url("metrics/distances.json")))
    let side = 4096
    for name in ["sparse", "blocks"] {
      let isSet = [Bool](unsafeUninitializedCapacity: side * side) { isSet, count in
        for index in 0..<side * side {
          isSet[index] =
            name == "sparse"
            ? hashed(index, seed: 1) >> 52 == 0
            : hashed(index, seed: 2) >> 63 == 0 && ((index / side) >> 7 + (index % side) >> 7) % 3 == 0
        }
        count = side * side
      }
      let mask = BinaryMask(width: side, height: side, isSet: isSet)
      let expected = try #require(sums[name])
      #expect(mask.count == expected.count)
      let squared = DistanceTransform.squaredDistances(to: mask)
      #expect(squared.reduce(0, +) == expected.sum)
      #expect(squared.max() == expected.largest)
      var weighted: UInt64 = 0
      for (index, distance) in squared.enumerated() { weighted &+= UInt64(distance) &* (2 &* UInt64(index) &+ 1) }
      #expect(String(weighted) == expected.weighted)
    }
  }

  @Test func everyShapeIsThatOfASearch() {
    var generator = SeededGenerator(seed: 3)
    for (height, width) in [(1, 1), (1, 17), (23, 1), (2, 3), (9, 300), (270, 5), (31, 33)] {
      for density in [0.01, 0.3, 0.99] {
        var mask = BinaryMask(
          width: width, height: height,
          isSet: (0..<height * width).map { _ in Double.random(in: 0..<1, using: &generator) < density })
        if mask.isEmpty { mask.isSet[Int.random(in: 0..<height * width, using: &generator)] = true }
        let places = mask.isSet.indices.filter { mask.isSet[$0] }
        let expected = mask.isSet.indices.map { pixel in
          places.map { place in
            let (y, x) = (pixel / width - place / width, pixel % width - place % width)
            return y * y + x * x
          }.min()!
        }
        #expect(DistanceTransform.squaredDistances(to: mask) == expected, "\(height)×\(width), \(density)")
      }
    }
  }

  @Test func anEmptyMaskIsInfinitelyFar() {
    let mask = BinaryMask(width: 3, height: 2, isSet: Array(repeating: false, count: 6))
    #expect(DistanceTransform.squaredDistances(to: mask) == Array(repeating: Int.max, count: 6))
    #expect(DistanceTransform.distances(to: mask) == Array(repeating: Double.infinity, count: 6))
    #expect(DistanceTransform.signedDistances(to: mask) == Array(repeating: 0, count: 6))
    #expect(DistanceTransform.signedDistances(to: mask.complement) == Array(repeating: 0, count: 6))
    let none = BinaryMask(width: 0, height: 0, isSet: [])
    #expect(DistanceTransform.squaredDistances(to: none) == [])
  }

  @Test func signsFollowTheConvention() {
    let mask = BinaryMask(width: 6, height: 1, isSet: [false, false, true, true, true, true])
    #expect(DistanceTransform.signedDistances(to: mask) == [2, 1, 0, -1, -2, -3])
    #expect(DistanceTransform.signedDistances(to: mask, convention: .symmetric) == [2, 1, -1, -2, -3, -4])
    let spacing = PixelSpacing(vertical: 1, horizontal: 0.5)
    #expect(DistanceTransform.signedDistances(to: mask, spacing: spacing) == [1, 0.5, 0, -0.5, -1, -1.5])
  }
}
