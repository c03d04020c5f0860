import Foundation

/// The members of a value as a list of names and texts, in the words of its JSON.
struct SettingsList {
  private let members: [(name: String, text: String)]

  /// The style sheet of lists.
  static let style = """
    .settings { columns: 20rem; column-gap: 1.5rem; margin: 0; }
    .settings div { break-inside: avoid; display: flex; gap: 0.8rem; border-bottom: 1px solid #eee; }
    .settings dt { color: #555; }
    .settings dd { margin: 0 0 0 auto; text-align: right; overflow-wrap: anywhere; }
    """

  init(_ members: [(name: String, text: String)]) { self.members = members }

  /// Lists what a value encodes: objects as `name value, name value`.
  init(_ value: some Encodable) throws {
    let json = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    guard case .object(let members) = json else {
      self.members = []
      return
    }
    self.members = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.text) }
  }

  var html: String {
    let items = members.map { "<div><dt>\(escaped($0.name))</dt><dd>\(escaped($0.text))</dd></div>" }
    return "<dl class=\"settings\">\n\(items.joined(separator: "\n"))\n</dl>"
  }
}

/// Any JSON.
private enum JSONValue: Decodable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .string("\(value)")
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// The value in a line.
  var text: String {
    switch self {
    case .null: "none"
    case .boolean(let value): value ? "yes" : "no"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value
    case .array(let values): values.isEmpty ? "none" : values.map(\.text).joined(separator: ", ")
    case .object(let members):
      members.sorted { $0.key < $1.key }.map { name, value in
        if case .object = value { "\(name) (\(value.text))" } else { "\(name) \(value.text)" }
      }.joined(separator: ", ")
    }
  }
}
