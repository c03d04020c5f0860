import SegEngine

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The NumPy array format: a magic string, a version, a Python dictionary that describes the array, and its elements.
/// (Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.)
package enum NPY {
  package static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  /// Decodes a whole file.
  package static func tensor(from file: FileBytes) throws(FormatFailure) -> Tensor { try array(from: file).tensor }

  /// Decodes a whole file, and returns the stored type of its elements too.
  package static func array(from file: FileBytes) throws(FormatFailure) -> (stored: StoredElement, tensor: Tensor) {
    defer { withExtendedLifetime(file) {} }
    let bytes = file.bytes
    guard bytes.count >= 10, bytes.starts(with: magic) else {
      throw FormatFailure("it does not begin as a NumPy array")
    }
    let version = bytes[6]
    guard (1...3).contains(version) else { throw .unsupported("version \(version) of the array format") }
    let prefix = version == 1 ? 10 : 12
    guard bytes.count >= prefix else { throw FormatFailure("its header is cut off") }
    var headerCount = Int(bytes[8]) | Int(bytes[9]) << 8
    if version > 1 { headerCount |= Int(bytes[10]) << 16 | Int(bytes[11]) << 24 }
    guard headerCount <= bytes.count - prefix else {
      throw FormatFailure("its header should have \(headerCount) bytes, but only \(bytes.count - prefix) follow")
    }
    let header = try Header(UnsafeRawBufferPointer(rebasing: bytes[prefix..<(prefix + headerCount)]))
    let data = UnsafeRawBufferPointer(rebasing: bytes[(prefix + headerCount)...])
    guard header.stored.byteCount(of: header.shape) == data.count else {
      throw FormatFailure("\(data.count) bytes follow for an array of shape \(header.shape)")
    }
    guard header.isFortranOrder, header.shape.rank > 1 else {
      return (header.stored, header.stored.tensor(header.shape, from: data, isBigEndian: header.isBigEndian))
    }
    // Fortran order: the first index is contiguous. The flat elements are gathered with the strides of that order.
    let flat = header.stored.tensor([header.shape.elementCount], from: data, isBigEndian: header.isBigEndian)
    var strides = [1]
    for extent in header.shape.dimensions.dropLast() { strides.append(strides[strides.count - 1] * extent) }
    return (header.stored, flat.gathered(header.shape, strides: strides, offset: 0))
  }

  /// Returns the magic string and header of a file with a tensor's elements. They are in version 1.0, padded so that the elements begin
  /// at a multiple of 64 bytes.
  package static func prefix(for tensor: Tensor) -> [UInt8] {
    let type =
      switch tensor.elementType {
      case .float32: "<f4"
      case .uint8: "|u1"
      case .uint16: "<u2"
      case .int32: "<i4"
      case .int64: "<i8"
      }
    let extents = tensor.shape.dimensions.map(String.init)
    let shape = extents.count == 1 ? "\(extents[0])," : extents.joined(separator: ", ")
    var header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (64 - (10 + header.count + 1) % 64) % 64)
    header.append(UInt8(ascii: "\n"))
    return magic + [1, 0, UInt8(truncatingIfNeeded: header.count), UInt8(truncatingIfNeeded: header.count >> 8)]
      + header
  }

  /// Returns a whole file in memory allocated by `malloc`; `nil` if the allocation fails.
  package static func encoded(_ tensor: Tensor) -> UnsafeMutableRawBufferPointer? {
    let prefix = prefix(for: tensor)
    let count = prefix.count + tensor.byteCount
    guard let start = malloc(count) else { return nil }
    let memory = UnsafeMutableRawBufferPointer(start: start, count: count)
    memory.copyBytes(from: prefix)
    tensor.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: memory[prefix.count...]).copyMemory(from: $0) }
    return memory
  }

  /// The header's Python dictionary, which has exactly three entries.
  private struct Header {
    let stored: StoredElement
    let isBigEndian: Bool
    let isFortranOrder: Bool
    let shape: Shape

    init(_ text: UnsafeRawBufferPointer) throws(FormatFailure) {
      var parser = LiteralParser(text: text)
      try parser.expect("{")
      var type: String?
      var isFortranOrder: Bool?
      var extents: [Int]?
      while !parser.take("}") {
        let key = try parser.string()
        try parser.expect(":")
        switch key {
        case "descr" where type == nil: type = try parser.typeName()
        case "fortran_order" where isFortranOrder == nil: isFortranOrder = try parser.boolean()
        case "shape" where extents == nil: extents = try parser.integers()
        default: throw FormatFailure("its header has an unexpected entry \(key)")
        }
        if !parser.take(",") {
          try parser.expect("}")
          break
        }
      }
      try parser.end()
      guard let type, let isFortranOrder, let extents else {
        throw FormatFailure("its header lacks one of descr, fortran_order and shape")
      }
      guard extents.count <= 64, let shape = Shape(validating: extents) else {
        throw FormatFailure("its header has the impossible shape \(extents.prefix(64))")
      }
      guard let order = type.first, "<>|=".contains(order), let stored = Header.types[String(type.dropFirst())] else {
        throw .unsupported("elements of type \(type)" + (type.hasSuffix("O") ? " (Python objects)" : ""))
      }
      self.stored = stored
      self.isBigEndian = order == ">"
      self.isFortranOrder = isFortranOrder
      self.shape = shape
    }

    private static let types: [String: StoredElement] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "b1": .bool, "u1": .uint8, "i1": .int8, "i2": .int16,
      "u2": .uint16, "i4": .int32, "u4": .uint32, "i8": .int64,
    ]
  }

  /// A parser of the Python literals that NumPy writes into a header.
  private struct LiteralParser {
    let text: UnsafeRawBufferPointer
    var position = 0

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpace() {
      while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x09 || byte == 0x0D { position += 1 }
    }

    private func failure() -> FormatFailure { FormatFailure("its header is malformed at character \(position)") }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      skipSpace()
      guard next == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(FormatFailure) {
      guard take(character) else { throw failure() }
    }

    mutating func end() throws(FormatFailure) {
      skipSpace()
      guard position == text.count else { throw failure() }
    }

    mutating func string() throws(FormatFailure) -> String {
      let quote: UInt8 = take("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
      if quote == UInt8(ascii: "\"") { try expect("\"") }
      let start = position
      while let byte = next, byte != quote, byte != UInt8(ascii: "\\") { position += 1 }
      let string = String(decoding: text[start..<position], as: UTF8.self)
      guard next == quote else { throw failure() }
      position += 1
      return string
    }

    mutating func typeName() throws(FormatFailure) -> String {
      if take("[") { throw .unsupported("an array of records") }
      return try string()
    }

    mutating func boolean() throws(FormatFailure) -> Bool {
      skipSpace()
      for (word, value) in [("True", true), ("False", false)]
      where text.dropFirst(position).starts(with: Array(word.utf8)) {
        position += word.utf8.count
        return value
      }
      throw failure()
    }

    mutating func integers() throws(FormatFailure) -> [Int] {
      try expect("(")
      var integers: [Int] = []
      while !take(")") {
        skipSpace()
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard let integer = Int(String(decoding: text[start..<position], as: UTF8.self)) else { throw failure() }
        // Python 2 wrote an L after long integers.
        _ = take("L")
        integers.append(integer)
        if !take(",") {
          try expect(")")
          break
        }
      }
      return integers
    }
  }
}
