/// A sample in the type that resizing computes with.
protocol WorkingSample: ExpressibleByIntegerLiteral {
  associatedtype Sum: ExpressibleByIntegerLiteral
  associatedtype Weight: ResamplingWeight

  /// The initial value of a sum, so that truncation rounds to nearest.
  static var half: Sum { get }
  init(sum: Sum)
  func multiplied(by weight: Weight, addedTo sum: Sum) -> Sum
  var float: Float { get }
  /// (19595 R + 38470 G + 7471 B) / 65536.
  static func luma(_ red: Self, _ green: Self, _ blue: Self) -> Self
}

extension UInt8: WorkingSample {
  static var half: Int32 { 1 << 21 }
  init(sum: Int32) { self = UInt8(clamping: sum >> 22) }
  var float: Float { Float(self) }
  func multiplied(by weight: Int32, addedTo sum: Int32) -> Int32 { sum &+ Int32(self) &* weight }

  static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum: UInt32 = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
    return UInt8((sum + 0x8000) >> 16)
  }
}

extension Float: WorkingSample {
  static var half: Double { 0 }
  init(sum: Double) { self = Float(sum) }
  var float: Float { self }
  func multiplied(by weight: Double, addedTo sum: Double) -> Double { sum + Double(self) * weight }

  static func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
    (red * 19595 + green * 38470 + blue * 7471) / 65536
  }
}
