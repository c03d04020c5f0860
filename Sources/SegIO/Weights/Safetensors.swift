import SegEngine

/// A safetensors file: eight bytes with the length of a JSON header, the header, and the tensors one behind the other,
/// little endian. (Format: github.com/huggingface/safetensors, "Format".)
public struct Safetensors: Sendable {
  /// Tensors by name, in the shapes of the file.
  ///
  /// `F16`, `BF16`, `F32` and `F64` arrive as float32, `BOOL` and `U8` as uint8, `I8`, `I16`, `U16` and `I32` as int32,
  /// `U32` and `I64` as int64. What is stored as it is held and lies aligned in the file stays in the mapped file and
  /// is not copied.
  public var tensors: [String: Tensor]

  /// The strings under `__metadata__`.
  public var metadata: [String: String]

  /// Makes the contents of a file to be written.
  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file.
  ///
  /// The file stays mapped as long as one of its tensors lives, and must not be shortened by another program in that
  /// time.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be read, where its header is malformed or names a range that
  ///   other tensors use, that lies outside the file or is not of the tensor's size, where bytes belong to no tensor,
  ///   and where an element type is unknown.
  public init(contentsOf path: String) throws(WeightsError) {
    let file: FileBytes
    do {
      file = try FileBytes(mapping: path)
    } catch {
      throw WeightsError(error)
    }
    try self.init(file, named: path)
  }

  init(_ file: FileBytes, named path: String) throws(WeightsError) {
    guard file.count > 0 else { throw WeightsError(path, .empty) }
    do {
      try self.init(file)
    } catch {
      throw error.error(path, "safetensors")
    }
  }

  /// Whether a file begins with a header's length, be it right or wrong, and the brace of a JSON object.
  static func recognizes(_ file: FileBytes) -> Bool { file.count > 8 && file.bytes[8] == UInt8(ascii: "{") }

  private init(_ file: FileBytes) throws(FormatFailure) {
    defer { withExtendedLifetime(file) {} }
    guard file.count > 8 else { throw FormatFailure("\(file.count) bytes hold no header") }
    let claimed = UInt64(littleEndian: file.bytes.loadUnaligned(as: UInt64.self))
    guard claimed <= UInt64(file.count - 8) else {
      throw FormatFailure("its header should have \(claimed) bytes, but only \(file.count - 8) follow")
    }
    let dataStart = 8 + Int(claimed)
    let header = UnsafeRawBufferPointer(rebasing: file.bytes[8..<dataStart])
    let data = UnsafeRawBufferPointer(rebasing: file.bytes[dataStart...])
    guard header.first == UInt8(ascii: "{"), case .object(let members) = try StrictJSON(header) else {
      throw FormatFailure("its header is no JSON object")
    }
    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]
    var ranges: [(range: Range<Int>, name: String)] = []
    for (name, value) in members {
      if name == "__metadata__" {
        metadata = try Safetensors.metadata(value)
        continue
      }
      let entry = try Entry(value, name: name, dataCount: data.count)
      ranges.append((entry.range, name))
      let bytes = UnsafeRawBufferPointer(rebasing: data[entry.range])
      let isAligned = bytes.baseAddress.map { Int(bitPattern: $0) % entry.stored.byteCount == 0 } ?? false
      if entry.stored.isMemory && isAligned, let start = bytes.baseAddress {
        tensors[name] = Tensor(entry.shape, of: entry.stored.elementType, borrowing: start, owner: file)
      } else {
        tensors[name] = entry.stored.tensor(entry.shape, from: bytes)
      }
    }
    // Every byte belongs to exactly one tensor.
    ranges.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
    var end = 0
    for (range, name) in ranges {
      guard range.lowerBound >= end else { throw FormatFailure("the bytes of \(name) belong to another tensor too") }
      guard range.lowerBound == end else { throw FormatFailure("the bytes before \(name) belong to no tensor") }
      end = range.upperBound
    }
    guard end == data.count else { throw FormatFailure("its last \(data.count - end) bytes belong to no tensor") }
    self.init(tensors, metadata: metadata)
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

  /// What the header says of one tensor, found to be possible.
  private struct Entry {
    let stored: StoredElement
    let shape: Shape
    let range: Range<Int>

    init(_ value: StrictJSON, name: String, dataCount: Int) throws(FormatFailure) {
      guard case .object(let members) = value else { throw FormatFailure("the entry of \(name) is no JSON object") }
      var typeName: String?
      var extents: [Int]?
      var offsets: [Int]?
      for (field, value) in members {
        switch (field, value) {
        case ("dtype", .string(let text)): typeName = text
        case ("shape", .array(let elements)): extents = Entry.integers(elements)
        case ("data_offsets", .array(let elements)): offsets = Entry.integers(elements)
        default: throw FormatFailure("\(name) has an unexpected field \(field)")
        }
      }
      guard let typeName, let extents, let offsets else {
        throw FormatFailure("\(name) lacks one of dtype, shape and data_offsets")
      }
      guard let stored = Safetensors.types[typeName] else {
        throw .unsupported("\(name) has elements of type \(typeName)")
      }
      guard extents.count <= 64, let shape = Shape(validating: extents), let byteCount = stored.byteCount(of: shape)
      else {
        throw FormatFailure("\(name) has the impossible shape \(extents.prefix(64))")
      }
      guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataCount else {
        throw FormatFailure("\(name) lies at bytes \(offsets.prefix(4)) of \(dataCount)")
      }
      guard offsets[1] - offsets[0] == byteCount else {
        throw FormatFailure("\(name) has \(offsets[1] - offsets[0]) bytes, but \(typeName) \(shape) takes \(byteCount)")
      }
      self.stored = stored
      self.shape = shape
      self.range = offsets[0]..<offsets[1]
    }

    private static func integers(_ values: [StrictJSON]) -> [Int]? {
      var integers: [Int] = []
      for value in values {
        guard case .integer(let integer) = value else { return nil }
        integers.append(integer)
      }
      return integers
    }
  }

  private static let types: [String: StoredElement] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64, "BOOL": .bool, "U8": .uint8, "I8": .int8,
    "I16": .int16, "U16": .uint16, "I32": .int32, "U32": .uint32, "I64": .int64,
  ]

  /// Writes a file, tensors with the widest elements first and by name among those, so that each lies aligned.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Throws: ``WeightsError`` where the file cannot be written, or a tensor is named `__metadata__`.
  public func write(to path: String) throws(WeightsError) {
    guard tensors["__metadata__"] == nil else {
      throw WeightsError(path, .cannotWrite("a tensor has the reserved name __metadata__"))
    }
    let ordered = tensors.sorted { a, b in
      (b.value.elementType.byteCount, a.key) < (a.value.elementType.byteCount, b.key)
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }.map {
        "\(StrictJSON.quoted($0.key)):\(StrictJSON.quoted($0.value))"
      }
      members.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor) in ordered {
      let typeName =
        switch tensor.elementType {
        case .float32: "F32"
        case .uint8: "U8"
        case .int32: "I32"
        case .int64: "I64"
        }
      let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      let range = "\(offset),\(offset + tensor.byteCount)"
      members.append(
        "\(StrictJSON.quoted(name)):{\"dtype\":\"\(typeName)\",\"shape\":[\(shape)],\"data_offsets\":[\(range)]}")
      offset += tensor.byteCount
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: -header.count & 7)
    do {
      let file = try AtomicFile(replacing: path)
      try file.append((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
      try file.append(header)
      for (_, tensor) in ordered { try file.append(tensor) }
      try file.commit()
    } catch let error {
      throw WeightsError(error)
    }
  }
}

extension AtomicFile {
  /// Appends a tensor's elements, little endian on every machine that weights are written on.
  func append(_ tensor: Tensor) throws(FileError) {
    let result = tensor.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try result.get()
  }
}
