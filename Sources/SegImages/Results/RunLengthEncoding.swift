import SegEngine

/// The run-length encoding of a binary mask as COCO defines it: lengths of runs in column-major order.
///
/// The pixels are taken down each column, columns from the left. `counts` holds the lengths of runs of pixels outside
/// and inside the mask in turn. It begins with pixels outside, so its first number is 0 if the first pixel is inside.
///
/// ``compressed`` is the string that pycocotools reads and writes. Each count, from the fourth on its difference to the
/// count two before, is a number in two's complement of as many groups of five bits as it takes, lowest group first. A
/// group is a character of code 48 + bits, plus 32 if another group follows.
public struct RunLengthEncoding: Sendable, Hashable {
  /// Width of the mask in pixels.
  public let width: Int
  /// Height of the mask in pixels.
  public let height: Int
  /// The lengths of the runs, in pixels, which add up to `height * width`.
  public let counts: [Int]

  /// Makes an encoding of counts.
  ///
  /// - Throws: ``RunLengthError`` if a count is negative or they do not add up to `height * width`.
  public init(width: Int, height: Int, counts: [Int]) throws(RunLengthError) {
    let pixels = width.multipliedReportingOverflow(by: height)
    guard width >= 0, height >= 0, !pixels.overflow else { throw .size(width: width, height: height) }
    var rest = pixels.partialValue
    for (index, count) in counts.enumerated() {
      guard count >= 0 else { throw .negativeCount(index: index) }
      guard count <= rest else { throw .wrongSum(width: width, height: height) }
      rest -= count
    }
    guard rest == 0 else { throw .wrongSum(width: width, height: height) }
    self.init(width: width, height: height, validCounts: counts)
  }

  private init(width: Int, height: Int, validCounts: [Int]) {
    self.width = width
    self.height = height
    counts = validCounts
  }

  /// Encodes a mask.
  public init(_ mask: BinaryMask) {
    var runs = MaskRuns()
    forEachColumnRun(of: mask.isSet, width: mask.width, height: mask.height) { isSet, start, count in
      if isSet { runs.append(start, count) }
    }
    self.init(width: mask.width, height: mask.height, validCounts: runs.counts(of: mask.isSet.count))
  }

  /// Encodes the mask of each label of a map, in one pass over its pixels.
  ///
  /// - Parameters:
  ///   - map: The labels.
  ///   - leftOut: Labels that are not encoded, such as background.
  /// - Returns: The labels that occur in the map, in ascending order, with their encodings.
  public static func encodings(
    of map: LabelMap, leavingOut leftOut: Set<UInt16> = []
  ) -> [(label: UInt16, encoding: RunLengthEncoding)] {
    // The position of each label in `masks`, or −1.
    var positions = [Int](repeating: -1, count: Int(UInt16.max) + 1)
    var masks: [(label: UInt16, runs: MaskRuns)] = []
    forEachColumnRun(of: map.labels, width: map.width, height: map.height) { label, start, count in
      if positions[Int(label)] < 0 {
        positions[Int(label)] = masks.count
        masks.append((label, MaskRuns()))
      }
      masks[positions[Int(label)]].runs.append(start, count)
    }
    return masks.filter { !leftOut.contains($0.label) }.sorted { $0.label < $1.label }.map { label, runs in
      (
        label,
        RunLengthEncoding(
          width: map.width, height: map.height, validCounts: runs.counts(of: map.width * map.height))
      )
    }
  }

  /// The number of pixels inside the mask.
  public var area: Int { stride(from: 1, to: counts.count, by: 2).reduce(0) { $0 + counts[$1] } }

  /// The smallest rectangle around the mask, in pixels, with x to the right and y down from the upper left corner:
  /// `[x, y, width, height]`, as in COCO's files. Four zeros if the mask is empty.
  public var boundingBox: [Int] {
    var (left, top, right, bottom) = (Int.max, Int.max, -1, -1)
    forEachRun { start, count in
      let (first, last) = (start, start + count - 1)
      left = min(left, first / height)
      right = max(right, last / height)
      if first / height == last / height {
        top = min(top, first % height)
        bottom = max(bottom, last % height)
      } else {
        // A run over several columns contains the end of one and the beginning of the next.
        (top, bottom) = (0, height - 1)
      }
    }
    return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1]
  }

  /// The mask.
  public var mask: BinaryMask {
    var isSet = [Bool](repeating: false, count: width * height)
    forEachRun { start, count in
      var (column, row) = (start / height, start % height)
      for _ in 0..<count {
        isSet[row * width + column] = true
        row += 1
        if row == height { (column, row) = (column + 1, 0) }
      }
    }
    return BinaryMask(width: width, height: height, isSet: isSet)
  }

  /// Calls `body` for each run of pixels inside the mask: column-major position of the first, number of pixels.
  private func forEachRun(_ body: (_ start: Int, _ count: Int) -> Void) {
    var start = 0
    for (index, count) in counts.enumerated() {
      if index % 2 == 1, count > 0 { body(start, count) }
      start += count
    }
  }
}

extension RunLengthEncoding {
  /// The compressed string of pycocotools, ASCII.
  public var compressed: String {
    var bytes: [UInt8] = []
    for (index, count) in counts.enumerated() {
      var number = index > 2 ? count - counts[index - 2] : count
      var isLast = false
      while !isLast {
        let group = UInt8(truncatingIfNeeded: number & 0x1F)
        number >>= 5
        // The last group's highest bit is the sign of the whole number.
        isLast = group & 0x10 == 0 ? number == 0 : number == -1
        bytes.append(48 + (isLast ? group : group | 0x20))
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Decodes a compressed string of pycocotools.
  ///
  /// - Throws: ``RunLengthError`` if it is damaged, or its counts do not add up to `height * width`.
  public init(width: Int, height: Int, compressed: String) throws(RunLengthError) {
    var counts: [Int] = []
    var (number, shift, first) = (0, 0, 0)
    for (offset, character) in compressed.utf8.enumerated() {
      guard (48..<112).contains(character) else { throw .character(offset: offset) }
      if shift == 0 { first = offset }
      let group = Int(character - 48)
      // Twelve groups are 60 bits, which hold any count of pixels.
      guard shift < 60 else { throw .numberTooLarge(offset: first) }
      number |= (group & 0x1F) << shift
      shift += 5
      guard group & 0x20 == 0 else { continue }
      if group & 0x10 != 0 { number |= -1 << shift }
      if counts.count > 2 {
        // Both are below 2^60 in magnitude, or an earlier count was refused.
        number += counts[counts.count - 2]
      }
      guard number >= 0 else { throw .negativeCount(index: counts.count) }
      guard number < 1 << 60 else { throw .numberTooLarge(offset: first) }
      counts.append(number)
      (number, shift) = (0, 0)
    }
    guard shift == 0 else { throw .truncated }
    try self.init(width: width, height: height, counts: counts)
  }
}

/// As the `segmentation` of COCO's annotations: `{"size": [height, width], "counts": …}`.
extension RunLengthEncoding: Codable {
  private enum CodingKeys: String, CodingKey {
    case size, counts
  }

  /// Encodes the counts as the compressed string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode([height, width], forKey: .size)
    try container.encode(compressed, forKey: .counts)
  }

  /// Decodes counts that are a compressed string or a list of numbers.
  ///
  /// - Throws: `DecodingError`, with a ``RunLengthError`` as the underlying error if the counts describe no mask.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let size = try container.decode([Int].self, forKey: .size)
    guard size.count == 2 else {
      throw DecodingError.dataCorruptedError(
        forKey: .size, in: container, debugDescription: "a size of \(size.count) numbers instead of height and width")
    }
    do throws(RunLengthError) {
      if let compressed = try? container.decode(String.self, forKey: .counts) {
        try self.init(width: size[1], height: size[0], compressed: compressed)
        return
      }
      if let counts = try? container.decode([Int].self, forKey: .counts) {
        try self.init(width: size[1], height: size[0], counts: counts)
        return
      }
    } catch {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: container.codingPath + [CodingKeys.counts], debugDescription: error.description,
          underlyingError: error))
    }
    throw DecodingError.dataCorruptedError(
      forKey: .counts, in: container, debugDescription: "counts that are neither a string nor a list of numbers")
  }
}

/// The runs of one mask while it is encoded.
private struct MaskRuns {
  private var counts: [Int] = []
  /// The position after the last run.
  private var end = 0

  mutating func append(_ start: Int, _ count: Int) {
    counts.append(start - end)
    counts.append(count)
    end = start + count
  }

  /// The counts of a mask of so many pixels, with the pixels after the last run.
  func counts(of pixels: Int) -> [Int] { end < pixels || counts.isEmpty ? counts + [pixels - end] : counts }
}
