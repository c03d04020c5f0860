import SegEngine

/// A kind of wrong pixel. The raw value is its label in pictures of errors, where 0 is a right pixel.
enum ErrorKind: UInt16, CaseIterable {
  case falsePositive = 1
  case falseNegative
  case otherClass

  /// Compares a pixel with the mask; `nil` if it is right.
  ///
  /// - Parameter background: The label of pixels without an object. Without one, every wrong pixel has another class.
  init?(truth: UInt16, prediction: UInt16, background: UInt16?) {
    if truth == prediction { return nil }
    self = truth == background ? .falsePositive : prediction == background ? .falseNegative : .otherClass
  }

  /// The name in the key of pictures.
  var name: String {
    switch self {
    case .falsePositive: "false positive: only predicted"
    case .falseNegative: "false negative: only in the mask"
    case .otherClass: "predicted as another class"
    }
  }

  /// Yellow, blue and rose, which colour-blind people can tell apart too.
  var color: Palette.Color {
    switch self {
    case .falsePositive: Palette.Color(0xff, 0xcc, 0x00)
    case .falseNegative: Palette.Color(0x33, 0x88, 0xff)
    case .otherClass: Palette.Color(0xdd, 0x22, 0x77)
    }
  }

  /// The colours by label.
  static let palette = Palette([Palette.Color(0, 0, 0)] + allCases.map(\.color))
}
