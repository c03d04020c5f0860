import SegEngine

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A colour in CIELAB of the white point D65.
public struct LabColor: Sendable {
  public let lightness, a, b: Double

  public init(_ lightness: Double, _ a: Double, _ b: Double) {
    self.lightness = lightness
    self.a = a
    self.b = b
  }

  /// Converts linear RGB from 0 to 1.
  init(linear rgb: [Double]) {
    let matrix = [
      [0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041],
    ]
    let f = zip(matrix, [0.95047, 1, 1.08883]).map { row, white in
      let value = zip(row, rgb).reduce(0) { $0 + $1.0 * $1.1 } / white
      return value > 216.0 / 24389 ? cbrt(value) : (24389.0 / 27 * value + 16) / 116
    }
    self.init(116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2]))
  }

  /// The CIEDE2000 colour difference with weights of 1, by the equations of Sharma, Wu and Dalal (2005).
  public func difference(from other: LabColor) -> Double {
    let degree = Double.pi / 180
    let power25 = pow(25.0, 7)
    let meanC = (hypot(a, b) + hypot(other.a, other.b)) / 2
    let g = 0.5 * (1 - (pow(meanC, 7) / (pow(meanC, 7) + power25)).squareRoot())
    let (a1, a2) = ((1 + g) * a, (1 + g) * other.a)
    let (c1, c2) = (hypot(a1, b), hypot(a2, other.b))
    func hue(_ a: Double, _ b: Double) -> Double {
      let angle = atan2(b, a) / degree
      return a == 0 && b == 0 ? 0 : angle < 0 ? angle + 360 : angle
    }
    let (h1, h2) = (hue(a1, b), hue(a2, other.b))
    var dh = h2 - h1
    if c1 * c2 == 0 { dh = 0 } else if dh > 180 { dh -= 360 } else if dh < -180 { dh += 360 }
    let dH = 2 * (c1 * c2).squareRoot() * sin(dh / 2 * degree)
    var meanH = h1 + h2
    if c1 * c2 != 0 {
      if abs(h1 - h2) <= 180 { meanH /= 2 } else { meanH = meanH < 360 ? (meanH + 360) / 2 : (meanH - 360) / 2 }
    }
    let (meanL, meanC2) = ((lightness + other.lightness) / 2, (c1 + c2) / 2)
    let t =
      1 - 0.17 * cos((meanH - 30) * degree) + 0.24 * cos(2 * meanH * degree) + 0.32 * cos((3 * meanH + 6) * degree)
      - 0.20 * cos((4 * meanH - 63) * degree)
    let rotation = 30 * exp(-pow((meanH - 275) / 25, 2))
    let rc = 2 * (pow(meanC2, 7) / (pow(meanC2, 7) + power25)).squareRoot()
    let offset = pow(meanL - 50, 2)
    let x = (other.lightness - lightness) / (1 + 0.015 * offset / (20 + offset).squareRoot())
    let y = (c2 - c1) / (1 + 0.045 * meanC2)
    let z = dH / (1 + 0.015 * meanC2 * t)
    return (x * x + y * y + z * z - sin(2 * rotation * degree) * rc * y * z).squareRoot()
  }
}

/// A kind of colour vision, simulated by the matrices of Machado, Oliveira and Fernandes (2009) at severity 1, which apply to linear RGB.
public enum ColorVision: CaseIterable, Sendable {
  case normal, protanopia, deuteranopia, tritanopia

  private var matrix: [[Double]] {
    switch self {
    case .normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    case .protanopia:
      [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    case .deuteranopia:
      [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    case .tritanopia:
      [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    }
  }

  /// The colour as it is seen.
  public func seen(_ color: Palette.Color) -> LabColor {
    let rgb = color.linear
    return LabColor(
      linear: matrix.map { row in min(max(zip(row, rgb).reduce(0) { $0 + $1.0 * $1.1 }, 0), 1) })
  }

  /// The smallest CIEDE2000 difference between two of the colours.
  public func smallestDifference(among colors: some Collection<Palette.Color>) -> Double {
    let seen = colors.map(seen)
    return seen.indices.flatMap { i in seen[..<i].map { seen[i].difference(from: $0) } }.min() ?? .infinity
  }

  /// The smallest CIEDE2000 difference between one of the colours and another colour.
  public func smallestDifference(of colors: some Collection<Palette.Color>, from other: Palette.Color) -> Double {
    colors.map { seen($0).difference(from: seen(other)) }.min() ?? .infinity
  }
}

extension Palette.Color {
  /// Red, green and blue as linear values from 0 to 1.
  fileprivate var linear: [Double] {
    [red, green, blue].map { level in
      let value = Double(level) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
  }

  /// The contrast ratio of WCAG 2 between two colours, from 1 to 21. Text needs at least 4.5.
  public func contrast(with other: Palette.Color) -> Double {
    func luminance(_ color: Palette.Color) -> Double {
      zip([0.2126, 0.7152, 0.0722], color.linear).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let (first, second) = (luminance(self), luminance(other))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
  }
}
