import Foundation
import SegEngine

/// One case of a file of reference outputs: tensors by name, and what is to be computed from them.
public struct FixtureCase: Sendable {
  /// The case's name in the file.
  public let name: String
  /// Operands and outputs.
  public let tensors: [String: Tensor]
  private let attributes: [String: Attribute]

  private enum Attribute: Decodable, Sendable {
    case flag(Bool)
    case number(Double)
    case numbers([Double])
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let numbers = try? container.decode([Double].self) {
        self = .numbers(numbers)
      } else {
        self = .text(try container.decode(String.self))
      }
    }
  }

  /// The cases of a file whose metadata holds a JSON object a case, and whose tensors are named `case.operand`.
  ///
  /// - Throws: a decoding error where an attribute is no JSON.
  public static func all(tensors: [String: Tensor], metadata: [String: String]) throws -> [FixtureCase] {
    try metadata.keys.sorted().map { name in
      let own = tensors.filter { $0.key.hasPrefix(name + ".") && !$0.key.dropFirst(name.count + 1).contains(".") }
      return FixtureCase(
        name: name,
        tensors: Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(name.count + 1)), $0.value) }),
        attributes: try JSONDecoder().decode([String: Attribute].self, from: Data(metadata[name]!.utf8)))
    }
  }

  /// The operands of these names that there are.
  public func operands(_ names: String...) -> [Tensor] { names.compactMap { tensors[$0] } }

  /// What is expected.
  public var output: NaiveTensor { NaiveTensor(tensors["output"]!) }

  /// Whether an attribute is there.
  public func has(_ key: String) -> Bool { attributes[key] != nil }

  /// An attribute that is true or false; false where it is not there.
  public func flag(_ key: String) -> Bool { if case .flag(let value)? = attributes[key] { value } else { false } }

  /// A number.
  public func number(_ key: String) -> Double { if case .number(let value)? = attributes[key] { value } else { .nan } }

  /// A whole number.
  public func integer(_ key: String) -> Int { Int(number(key)) }

  /// A word.
  public func text(_ key: String) -> String { if case .text(let value)? = attributes[key] { value } else { "" } }

  /// Numbers.
  public func numbers(_ key: String) -> [Double] {
    if case .numbers(let values)? = attributes[key] { values } else { [] }
  }

  /// Whole numbers.
  public func integers(_ key: String) -> [Int] { numbers(key).map { Int($0) } }

  /// Two whole numbers, height first.
  public func extent(_ key: String) -> Extent2D { Extent2D(height: integers(key)[0], width: integers(key)[1]) }

  /// The geometry of a convolution or pooling. Padding is two numbers, or four from the top against the clock's direction:
  /// top, left, bottom, right.
  public var geometry: ConvolutionGeometry {
    let padding = integers("padding")
    return ConvolutionGeometry(
      kernel: extent("kernel"), stride: extent("stride"), dilation: has("dilation") ? extent("dilation") : 1,
      padding: padding.count == 2
        ? Padding2D(vertical: padding[0], horizontal: padding[1])
        : Padding2D(top: padding[0], left: padding[1], bottom: padding[2], right: padding[3]),
      groups: has("groups") ? integer("groups") : 1)
  }
}
