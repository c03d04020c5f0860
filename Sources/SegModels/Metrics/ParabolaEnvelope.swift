/// The lower envelope of the parabolas (x − p)² + f over a row.
struct ParabolaEnvelope {
  private let width: Int
  private let spacing: PixelSpacing
  /// The parabolas of the envelope from left to right: position p, height f, f + p², and the x at which each begins to
  /// be the minimum.
  private var places: [Int32]
  private var feet: [Double]
  private var constants: [Double]
  private var starts: [Double]
  private var count = 0

  init(width: Int, spacing: PixelSpacing) {
    self.width = width
    self.spacing = spacing
    places = Array(repeating: 0, count: width)
    feet = Array(repeating: 0, count: width)
    constants = Array(repeating: 0, count: width)
    starts = Array(repeating: 0, count: width)
  }

  /// Reciprocals of twice the distance between columns. With unit spacing their rounding cannot select a wrong parabola: the squared
  /// distances at a pixel are integers, so the minimum is exact or a tie.
  static func reciprocals(width: Int, spacing: PixelSpacing) -> [Double] {
    (0..<width).map { $0 == 0 ? 0 : 0.5 / (Double($0) * spacing.horizontal) }
  }

  /// Builds the envelope of a row from the distances within its columns, in rows; ``DistanceTransform/noPixel`` in
  /// columns without a pixel.
  mutating func build(_ columns: UnsafePointer<Int32>, _ reciprocals: [Double]) {
    let (width, spacing) = (width, spacing)
    var last = -1
    places.withUnsafeMutableBufferPointer { places in
      feet.withUnsafeMutableBufferPointer { feet in
        constants.withUnsafeMutableBufferPointer { constants in
          starts.withUnsafeMutableBufferPointer { starts in
            reciprocals.withUnsafeBufferPointer { reciprocals in
              for place in 0..<width where columns[place] < DistanceTransform.noPixel {
                let (x, y) = (Double(place) * spacing.horizontal, Double(columns[place]) * spacing.vertical)
                let foot = y * y
                let constant = foot + x * x
                var start = -Double.infinity
                while last >= 0 {
                  start = (constant - constants[last]) * reciprocals[place - Int(places[last])]
                  if start > starts[last] { break }
                  last -= 1
                  start = -Double.infinity
                }
                last += 1
                places[last] = Int32(place)
                feet[last] = foot
                constants[last] = constant
                starts[last] = start
              }
            }
          }
        }
      }
    }
    count = last + 1
  }

  /// Writes the squared distance at each position of the row, mapped by `convert`.
  func evaluate<Distance>(_ result: UnsafeMutablePointer<Distance>, _ convert: (Double) -> Distance) {
    let step = spacing.horizontal
    var place = 0
    places.withUnsafeBufferPointer { places in
      feet.withUnsafeBufferPointer { feet in
        starts.withUnsafeBufferPointer { starts in
          for parabola in 0..<count {
            var end = width
            if parabola + 1 < count {
              // The last position before the start of the next parabola.
              let limit = (starts[parabola + 1] / step).rounded(.down)
              end = limit < 0 ? place : min(width, Int(limit) + 1)
            }
            let (center, foot) = (Int(places[parabola]), feet[parabola])
            while place < end {
              let distance = Double(place - center) * step
              (result + place).initialize(to: convert(distance * distance + foot))
              place += 1
            }
          }
        }
      }
    }
  }
}
