/// The attributes of a node that is written, in order.
struct ONNXAttributeList: ExpressibleByDictionaryLiteral {
  private(set) var elements: [(name: String, value: ONNXAttributes.Value)]

  init(dictionaryLiteral elements: (String, ONNXAttributes.Value)...) {
    self.elements = elements.map { (name: $0, value: $1) }
  }

  /// Returns the attributes after others.
  func preceded(by others: ONNXAttributeList) -> ONNXAttributeList {
    var result = others
    result.elements += elements
    return result
  }

  /// Returns the attributes but one.
  func without(_ name: String) -> ONNXAttributeList {
    var result = self
    result.elements.removeAll { $0.name == name }
    return result
  }
}
