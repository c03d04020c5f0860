import SegEngine
import SegFiles

extension Safetensors {
  /// The validated ranges of a file's tensors: every byte belongs to exactly one of them.
  struct Header: Sendable {
    /// The entry of one tensor.
    struct Place: Sendable {
      let number: StoredNumber
      /// The name of the element type in the file.
      let typeName: String
      let shape: Shape
      /// The bytes in the file.
      let range: Range<Int>
    }

    let places: [String: Place]
    let metadata: [String: String]
    private let file: FileBytes

    init(_ file: FileBytes) throws(FormatFailure) {
      defer { withExtendedLifetime(file) {} }
      guard file.count > 8 else { throw FormatFailure("\(file.count) bytes hold no header") }
      let claimed = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
      guard claimed <= UInt64(file.count - 8) else {
        throw FormatFailure("its header should have \(claimed) bytes, but only \(file.count - 8) follow")
      }
      let dataStart = 8 + Int(claimed)
      let header = UnsafeRawBufferPointer(rebasing: file.bytes[8..<dataStart])
      guard header.first == UInt8(ascii: "{"), case .object(let members) = try StrictJSON(header) else {
        throw FormatFailure("its header is no JSON object")
      }
      var places: [String: Place] = [:]
      var metadata: [String: String] = [:]
      for (name, value) in members {
        if name == "__metadata__" {
          metadata = try Header.metadata(value)
        } else {
          places[name] = try Header.place(value, name: name, dataStart: dataStart, fileCount: file.count)
        }
      }
      let ordered = places.map { (range: $1.range, name: $0) }.sorted {
        ($0.range.lowerBound, $0.range.upperBound, $0.name) < ($1.range.lowerBound, $1.range.upperBound, $1.name)
      }
      var end = dataStart
      for (range, name) in ordered {
        guard range.lowerBound >= end else { throw FormatFailure("the bytes of \(name) belong to another tensor too") }
        guard range.lowerBound == end else { throw FormatFailure("the bytes before \(name) belong to no tensor") }
        end = range.upperBound
      }
      guard end == file.count else { throw FormatFailure("its last \(file.count - end) bytes belong to no tensor") }
      self.places = places
      self.metadata = metadata
      self.file = file
    }

    /// Returns a tensor: in the mapped file if it is aligned and needs no conversion, else a copy.
    func tensor(_ place: Place, _ stored: StoredElement) -> Tensor {
      defer { withExtendedLifetime(file) {} }
      let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[place.range])
      let isAligned = bytes.baseAddress.map { Int(bitPattern: $0) % stored.byteCount == 0 } ?? false
      if stored.isMemory && isAligned, let start = bytes.baseAddress {
        return Tensor(place.shape, of: stored.elementType, borrowing: start, owner: file)
      }
      return stored.tensor(place.shape, from: bytes)
    }

    private static func metadata(_ value: StrictJSON) throws(FormatFailure) -> [String: String] {
      guard case .object(let members) = value else { throw FormatFailure("__metadata__ is no JSON object") }
      var metadata: [String: String] = [:]
      for (name, value) in members {
        guard case .string(let text) = value else { throw FormatFailure("__metadata__ \(name) is no string") }
        metadata[name] = text
      }
      return metadata
    }

    private static func place(
      _ value: StrictJSON, name: String, dataStart: Int, fileCount: Int
    ) throws(FormatFailure) -> Place {
      guard case .object(let members) = value else { throw FormatFailure("the entry of \(name) is no JSON object") }
      var typeName: String?
      var extents: [Int]?
      var offsets: [Int]?
      for (field, value) in members {
        switch (field, value) {
        case ("dtype", .string(let text)): typeName = text
        case ("shape", .array(let elements)): extents = integers(elements)
        case ("data_offsets", .array(let elements)): offsets = integers(elements)
        default: throw FormatFailure("\(name) has an unexpected field \(field)")
        }
      }
      guard let typeName, let extents, let offsets else {
        throw FormatFailure("\(name) lacks one of dtype, shape and data_offsets")
      }
      guard extents.count <= 64, let shape = Shape(validating: extents) else {
        throw FormatFailure("\(name) has the impossible shape \(extents.prefix(64))")
      }
      let dataCount = fileCount - dataStart
      guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataCount else {
        throw FormatFailure("\(name) lies at bytes \(offsets.prefix(4)) of \(dataCount)")
      }
      let number = types[typeName].map { StoredNumber.element($0) } ?? .rare(rareNames[typeName] ?? typeName)
      if case .element(let stored) = number {
        guard let byteCount = stored.byteCount(of: shape) else {
          throw FormatFailure("\(name) has the impossible shape \(extents.prefix(64))")
        }
        guard offsets[1] - offsets[0] == byteCount else {
          throw FormatFailure(
            "\(name) has \(offsets[1] - offsets[0]) bytes, but \(typeName) \(shape) takes \(byteCount)")
        }
      }
      return Place(
        number: number, typeName: typeName, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private static func integers(_ values: [StrictJSON]) -> [Int]? {
      var integers: [Int] = []
      for value in values {
        guard case .integer(let integer) = value else { return nil }
        integers.append(integer)
      }
      return integers
    }

    private static let types: [String: StoredElement] = [
      "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64, "BOOL": .bool, "U8": .uint8, "I8": .int8,
      "I16": .int16, "U16": .uint16, "I32": .int32, "U32": .uint32, "I64": .int64,
    ]

    /// PyTorch's names of unsupported types.
    private static let rareNames = [
      "C64": "complex64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
      "U64": "uint64",
    ]
  }
}
