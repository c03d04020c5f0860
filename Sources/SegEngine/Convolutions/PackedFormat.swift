/// The format of packed weights. The same weights in equal formats have equal bytes, so compilations of one network share them.
public struct PackedFormat: Hashable, Sendable {
  /// The name of the algorithm that reads the weights.
  public let algorithm: String
  /// The number format.
  public let elementType: ElementType
  /// The order of their numbers, as a short text such as `"tap-major"`.
  public let order: String
  /// The panels of packed matrices, if there are any.
  let panels: PanelLayout?

  /// Describes a format.
  public init(algorithm: String, elementType: ElementType, order: String) {
    self.init(algorithm, elementType, order, panels: nil)
  }

  init(_ algorithm: String, _ elementType: ElementType, _ order: String, panels: PanelLayout?) {
    self.algorithm = algorithm
    self.elementType = elementType
    self.order = order
    self.panels = panels
  }

  /// The key of weights in this format.
  var key: String {
    let panels = panels.map { "panels of \($0.width) by \($0.unit)" } ?? ""
    return [algorithm, elementType.rawValue, order, panels].joined(separator: "/")
  }

  /// Computes the size of `count` packed numbers in bytes.
  func byteCount(of count: Int) -> Int { elementType.byteCount(of: count) }
}
