extension [String] {
  /// The name of a class, where this array holds the names from class 0 on: "class 7" for a class without a name.
  func className(of label: UInt16) -> String { Int(label) < count ? self[Int(label)] : "class \(label)" }
}
