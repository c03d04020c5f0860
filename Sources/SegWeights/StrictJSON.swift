import SegFiles

/// A JSON value (RFC 8259) for the header of a weights file. Integers stay exact. A name that occurs twice in an object is an error,
/// because parsers differ in which of the two they keep.
enum StrictJSON {
  case object([(name: String, value: StrictJSON)])
  case array([StrictJSON])
  case string(String)
  case integer(Int)
  case number(Double)
  case boolean(Bool)
  case null

  /// Parses a whole text. White space around the value is allowed.
  init(_ text: UnsafeRawBufferPointer) throws(FormatFailure) {
    var parser = Parser(text: text)
    self = try parser.document()
  }

  private struct Parser {
    /// The maximum nesting, which limits the recursion. No weights header is nested deeper.
    static let maximumDepth = 32

    let text: UnsafeRawBufferPointer
    var position = 0

    mutating func document() throws(FormatFailure) -> StrictJSON {
      let value = try value(depth: 0)
      skipSpace()
      guard position == text.count else { throw failure("something follows the value") }
      return value
    }

    private func failure(_ reason: String) -> FormatFailure {
      FormatFailure("its JSON header is malformed at byte \(position): \(reason)")
    }

    private mutating func skipSpace() {
      while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(FormatFailure) {
      guard take(character) else { throw failure("'\(character)' is missing") }
    }

    private mutating func value(depth: Int) throws(FormatFailure) -> StrictJSON {
      guard depth < Parser.maximumDepth else { throw failure("nested more than \(Parser.maximumDepth) deep") }
      skipSpace()
      switch next {
      case UInt8(ascii: "{"): return try object(depth: depth)
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .boolean(true))
      case UInt8(ascii: "f"): return try word("false", .boolean(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      case nil: throw failure("it ends too early")
      case let byte? where byte == UInt8(ascii: "-") || Parser.isDigit(byte): return try number()
      default: throw failure("no value begins here")
      }
    }

    private mutating func word(_ word: String, _ value: StrictJSON) throws(FormatFailure) -> StrictJSON {
      guard text.dropFirst(position).starts(with: Array(word.utf8)) else { throw failure("'\(word)' is misspelt") }
      position += word.utf8.count
      return value
    }

    private mutating func object(depth: Int) throws(FormatFailure) -> StrictJSON {
      try expect("{")
      var members: [(name: String, value: StrictJSON)] = []
      var names: Set<String> = []
      skipSpace()
      if take("}") { return .object([]) }
      repeat {
        skipSpace()
        let name = try string()
        guard names.insert(name).inserted else { throw failure("the name \(name) occurs twice") }
        skipSpace()
        try expect(":")
        members.append((name, try value(depth: depth + 1)))
        skipSpace()
      } while take(",")
      try expect("}")
      return .object(members)
    }

    private mutating func array(depth: Int) throws(FormatFailure) -> StrictJSON {
      try expect("[")
      var elements: [StrictJSON] = []
      skipSpace()
      if take("]") { return .array([]) }
      repeat {
        elements.append(try value(depth: depth + 1))
        skipSpace()
      } while take(",")
      try expect("]")
      return .array(elements)
    }

    private mutating func number() throws(FormatFailure) -> StrictJSON {
      let start = position
      _ = take("-")
      let firstDigit = position
      skipDigits()
      guard position > firstDigit, position == firstDigit + 1 || text[firstDigit] != UInt8(ascii: "0") else {
        throw failure("a number is malformed")
      }
      var isWhole = true
      if take(".") {
        isWhole = false
        let fraction = position
        skipDigits()
        guard position > fraction else { throw failure("a number is malformed") }
      }
      if take("e") || take("E") {
        isWhole = false
        if !take("+") { _ = take("-") }
        let exponent = position
        skipDigits()
        guard position > exponent else { throw failure("a number is malformed") }
      }
      let digits = String(decoding: text[start..<position], as: UTF8.self)
      if isWhole {
        guard let integer = Int(digits) else { throw failure("the number \(digits) is out of range") }
        return .integer(integer)
      }
      guard let number = Double(digits) else { throw failure("a number is malformed") }
      return .number(number)
    }

    private mutating func skipDigits() {
      while let byte = next, Parser.isDigit(byte) { position += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private mutating func string() throws(FormatFailure) -> String {
      try expect("\"")
      var bytes: [UInt8] = []
      while let byte = next {
        position += 1
        switch byte {
        case UInt8(ascii: "\""):
          guard let string = String(validating: bytes, as: UTF8.self) else { throw failure("a string is not UTF-8") }
          return string
        case UInt8(ascii: "\\"): bytes.append(contentsOf: try escape())
        case 0..<0x20: throw failure("a control character in a string")
        default: bytes.append(byte)
        }
      }
      throw failure("a string does not end")
    }

    private mutating func escape() throws(FormatFailure) -> [UInt8] {
      guard let code = next else { throw failure("a string does not end") }
      position += 1
      switch Unicode.Scalar(code) {
      case "\"", "\\", "/": return [code]
      case "b": return [8]
      case "f": return [12]
      case "n": return [10]
      case "r": return [13]
      case "t": return [9]
      case "u":
        let first = try hexadecimal()
        guard (0xD800..<0xDC00).contains(first) else { return try utf8(first) }
        // A character beyond U+FFFF is written as a surrogate pair.
        guard take("\\"), take("u") else { throw failure("half a surrogate pair") }
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second) else { throw failure("half a surrogate pair") }
        return try utf8(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      default: throw failure("an unknown escape")
      }
    }

    private mutating func hexadecimal() throws(FormatFailure) -> UInt32 {
      guard text.count - position >= 4 else { throw failure("a string does not end") }
      var value: UInt32 = 0
      for byte in text[position..<(position + 4)] {
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw failure("an unknown escape") }
        value = value << 4 | UInt32(digit)
      }
      position += 4
      return value
    }

    private func utf8(_ code: UInt32) throws(FormatFailure) -> [UInt8] {
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      return Array(String(scalar).utf8)
    }
  }
}

extension StrictJSON {
  /// Returns a string as a JSON literal with quotation marks.
  static func quoted(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
