/// The form of packed weights. Equal formats of the same weights mean equal bytes, so compilations of one network share them.
public struct PackedFormat: Hashable, Sendable {
  /// The algorithm that reads them.
  public let algorithm: String
  /// The format of their numbers.
  public let elementType: ElementType
  /// The order of their numbers, in a few words such as `"tap-major"`.
  public let order: String
  /// How matrices are cut into panels of columns, where they are.
  let panels: PanelLayout?

  /// Describes a form.
  public init(algorithm: String, elementType: ElementType, order: String) {
    self.init(algorithm, elementType, order, panels: nil)
  }

  init(_ algorithm: String, _ elementType: ElementType, _ order: String, panels: PanelLayout?) {
    self.algorithm = algorithm
    self.elementType = elementType
    self.order = order
    self.panels = panels
  }

  /// The name under which weights of this form are kept.
  var key: String {
    let panels = panels.map { "panels of \($0.width) by \($0.unit)" } ?? ""
    return [algorithm, elementType.rawValue, order, panels].joined(separator: "/")
  }

  /// Size of `count` packed numbers in bytes.
  func byteCount(of count: Int) -> Int { elementType.byteCount(of: count) }
}
