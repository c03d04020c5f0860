import Foundation
import SegIO
import TestSupport
import Testing

/// Encodings of pycocotools (`Tests/Fixtures/results/make_results.py`).
@Suite struct RunLengthEncodingTests {
  private struct Case: Decodable {
    let name, mask, compressed: String
    let height, width, area: Int
    let counts, box: [Int]

    var isSet: [Bool] {
      let bits = mask.flatMap { digit in
        let value = digit.hexDigitValue ?? 0
        return [value & 8 != 0, value & 4 != 0, value & 2 != 0, value & 1 != 0]
      }
      return Array(bits.prefix(height * width))
    }
  }

  private func cases() throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: Data(contentsOf: TestSupport.Fixtures.url("results/rle.json")))
  }

  @Test func agreesWithPycocotools() throws {
    let cases = try cases()
    #expect(cases.count == 16)
    for expected in cases {
      let mask = BinaryMask(width: expected.width, height: expected.height, isSet: expected.isSet)
      let encoding = RunLengthEncoding(mask)
      #expect(encoding.counts == expected.counts, "\(expected.name)")
      #expect(encoding.compressed == expected.compressed, "\(expected.name)")
      #expect(encoding.area == expected.area, "\(expected.name)")
      #expect(encoding.boundingBox == expected.box, "\(expected.name)")
      #expect(encoding.mask == mask, "\(expected.name)")
      let decoded = try RunLengthEncoding(
        width: expected.width, height: expected.height, compressed: expected.compressed)
      #expect(decoded == encoding, "\(expected.name)")
    }
  }

  @Test(arguments: 0..<20) func everyLabelOfAMap(seed: UInt64) throws {
    let map = LabelMap.random(width: 71, height: 19, classes: 5, seed: seed)
    let encodings = RunLengthEncoding.encodings(of: map, leavingOut: [2])
    #expect(encodings.map(\.label) == Set(map.labels).subtracting([2]).sorted())
    for (label, encoding) in encodings {
      #expect(encoding.mask == BinaryMask(map, label: label))
      #expect(encoding == RunLengthEncoding(BinaryMask(map, label: label)))
      #expect(
        try RunLengthEncoding(width: map.width, height: map.height, compressed: encoding.compressed) == encoding)
    }
  }

  @Test func mapsWithoutPixels() throws {
    for (width, height) in [(0, 0), (0, 4), (4, 0)] {
      let encoding = RunLengthEncoding(BinaryMask(width: width, height: height, isSet: []))
      #expect(encoding.counts == [0] && encoding.area == 0 && encoding.boundingBox == [0, 0, 0, 0])
      #expect(encoding.mask.isSet.isEmpty)
      #expect(RunLengthEncoding.encodings(of: LabelMap(width: width, height: height)).isEmpty)
    }
  }

  /// 3 × 2 pixels: "6" is one run of 6 outside.
  @Test func damagedStrings() {
    func error(_ compressed: String, width: Int = 3, height: Int = 2) -> RunLengthError? {
      do throws(RunLengthError) {
        _ = try RunLengthEncoding(width: width, height: height, compressed: compressed)
        return nil
      } catch {
        return error
      }
    }
    #expect(error("6") == nil)
    #expect(error("") == .wrongSum(width: 3, height: 2))
    #expect(error("5") == .wrongSum(width: 3, height: 2))
    #expect(error("7") == .wrongSum(width: 3, height: 2))
    #expect(error("/") == .character(offset: 0))
    #expect(error("3p") == .character(offset: 1))
    #expect(error("3é") == .character(offset: 1))
    // A group that another one should follow.
    #expect(error("3P") == .truncated)
    // Five bits with the sign: O is −1, and M is −3, so that the fourth count is 2 − 3.
    #expect(error("O") == .negativeCount(index: 0))
    #expect(error("222M") == .negativeCount(index: 3))
    #expect(error(String(repeating: "P", count: 12) + "0") == .numberTooLarge(offset: 0))
    #expect(error("1" + String(repeating: "o", count: 400)) == .numberTooLarge(offset: 1))
    #expect(error("0", width: -1) == .size(width: -1, height: 2))
    #expect(error("0", width: .max, height: 2) == .size(width: .max, height: 2))
    // Counts just below the largest, which do not overflow when they are added.
    let large = String(repeating: "o", count: 11) + "?"
    #expect(error(String(repeating: large, count: 8)) != nil)
  }

  @Test func damagedCounts() {
    func error(_ counts: [Int]) -> RunLengthError? {
      do throws(RunLengthError) {
        _ = try RunLengthEncoding(width: 3, height: 2, counts: counts)
        return nil
      } catch {
        return error
      }
    }
    #expect(error([0, 6]) == nil && error([2, 0, 4]) == nil)
    #expect(error([7, -1]) == .wrongSum(width: 3, height: 2))
    #expect(error([3, -1, 4]) == .negativeCount(index: 1))
    #expect(error([3, 2]) == .wrongSum(width: 3, height: 2))
    #expect(error([.max, .max]) == .wrongSum(width: 3, height: 2))
  }

  @Test func jsonOfBothForms() throws {
    func decode(_ json: String) throws -> RunLengthEncoding {
      try JSONDecoder().decode(RunLengthEncoding.self, from: Data(json.utf8))
    }
    let encoding = try RunLengthEncoding(width: 3, height: 2, counts: [1, 2, 3])
    #expect(try decode(#"{"size":[2,3],"counts":[1,2,3]}"#) == encoding)
    #expect(try decode(#"{"size":[2,3],"counts":"123"}"#) == encoding)
    #expect(try JSONDecoder().decode(RunLengthEncoding.self, from: JSONEncoder().encode(encoding)) == encoding)
    for damaged in [
      #"{"size":[2],"counts":[1,2,3]}"#, #"{"size":[2,3],"counts":[1,2]}"#, #"{"size":[2,3],"counts":"~"}"#,
      #"{"size":[2,3],"counts":true}"#, #"{"size":[2,3]}"#,
    ] {
      #expect(throws: DecodingError.self) { try decode(damaged) }
    }
  }
}
