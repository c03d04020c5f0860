import SegEngine
import TestSupport
import Testing

@Suite struct ResizeTests {
  private let backends = everyBackend()

  private static let sizes = [
    Extent2D(1), Extent2D(height: 2, width: 3), Extent2D(height: 5, width: 7), Extent2D(height: 10, width: 14),
    Extent2D(height: 13, width: 4), Extent2D(height: 20, width: 28), Extent2D(height: 11, width: 23),
  ]

  /// The coordinate is rounded to float32, which moves it by up to 2e-6 pixels here, and a slope is at most 2 a pixel
  /// (bicubic: 3.5).
  private func tolerance(_ interpolation: Resize.Interpolation) -> Tolerance {
    switch interpolation {
    case .nearest, .nearestExact: .exact
    case .bilinear: Tolerance(absolute: 4e-6)
    case .bicubic: Tolerance(absolute: 8e-6)
    }
  }

  private func scale(_ coordinates: Resize.Coordinates, _ input: Int, _ output: Int) -> Double {
    coordinates == .alignCorners
      ? (output > 1 ? Double(input - 1) / Double(output - 1) : 0) : Double(input) / Double(output)
  }

  @Test func sizesAreReached() {
    withEvery("channels", in: [1, 6, 19]) { channels in
      let x = Tensor.random([2, 5, 7, channels], seed: UInt64(channels))
      let naive = NaiveTensor(x)
      withEvery("size", in: Self.sizes) { size in
        let like = Tensor(zeros: [1, size.height, size.width, 1])
        withEvery("interpolation", in: Resize.Interpolation.allCases) { interpolation in
          withEvery("coordinates", in: Resize.Coordinates.allCases) { coordinates in
            let isNearest = interpolation == .nearest || interpolation == .nearestExact
            if isNearest && coordinates != .halfPixel { return }
            let scale =
              isNearest
              ? (Double(5) / Double(size.height), Double(7) / Double(size.width))
              : (scale(coordinates, 5, size.height), scale(coordinates, 7, size.width))
            let expected = naive.resize(interpolation, coordinates, to: size, scale: scale)
            let explicit = Resize(interpolation, coordinates: coordinates, to: .size(size))
            let tolerance = tolerance(interpolation)
            #expect(disagreements(of: explicit, [x], with: [expected], tolerance, on: backends) == [])
            let asOther = Resize(interpolation, coordinates: coordinates, to: .like)
            #expect(disagreements(of: asOther, [x, like], with: [expected], tolerance, on: backends) == [])
          }
        }
      }
    }
  }

  /// The kernel has no jumps, so that rounding of coordinates and weights moves values by little, up to 20 taps a sum.
  @Test func shrinkingSmoothsWhereItIsWanted() {
    withEvery("channels", in: [1, 6, 19]) { channels in
      let x = Tensor.random([2, 9, 17, channels], seed: UInt64(channels))
      let naive = NaiveTensor(x)
      withEvery("size", in: Self.sizes + [Extent2D(height: 9, width: 17), Extent2D(height: 2, width: 40)]) { size in
        let like = Tensor(zeros: [1, size.height, size.width, 1])
        withEvery("bicubic", in: [false, true]) { bicubic in
          let expected = naive.resizeAntialiased(bicubic: bicubic, to: size)
          let interpolation: Resize.Interpolation = bicubic ? .bicubic : .bilinear
          let explicit = Resize(interpolation, antialiasing: true, to: .size(size))
          #expect(disagreements(of: explicit, [x], with: [expected], Tolerance(absolute: 8e-6), on: backends) == [])
          let asOther = Resize(interpolation, antialiasing: true, to: .like)
          let tolerance = Tolerance(absolute: 8e-6)
          #expect(disagreements(of: asOther, [x, like], with: [expected], tolerance, on: backends) == [])
        }
      }
    }
  }

  /// A factor that does not give whole pixels: the step between outputs is 1 / factor, or in / out when recomputed.
  @Test func factorsAreUsedAsTheyAreOrRecomputed() {
    let x = Tensor.random([1, 7, 10, 3], seed: 8)
    let naive = NaiveTensor(x)
    withEvery("factor", in: [0.4, 1.37, 2.0, 2.55]) { factor in
      let size = Extent2D(height: Int(7 * factor), width: Int(10 * factor))
      withEvery("interpolation", in: Resize.Interpolation.allCases) { interpolation in
        withEvery("recomputing", in: [false, true]) { recomputing in
          let scale =
            recomputing ? (7 / Double(size.height), 10 / Double(size.width)) : (1 / factor, 1 / factor)
          let expected = naive.resize(interpolation, .halfPixel, to: size, scale: scale)
          let op = Resize(interpolation, to: .scale(height: factor, width: factor, recomputingScale: recomputing))
          #expect(disagreements(of: op, [x], with: [expected], tolerance(interpolation), on: backends) == [])
        }
      }
    }
  }

  @Test func nearestTakesEveryElementType() {
    withEvery("type", in: ElementType.allCases) { type in
      let x = Tensor.counting([2, 3, 5, 2], of: type)
      withEvery("size", in: [Extent2D(height: 6, width: 10), Extent2D(height: 2, width: 9)]) { size in
        let scale = (3 / Double(size.height), 5 / Double(size.width))
        let expected = NaiveTensor(x).resize(.nearest, .asymmetric, to: size, scale: scale)
        #expect(
          disagreements(of: Resize(.nearest, to: .size(size)), [x], with: [expected], .exact, on: backends) == [])
      }
    }
  }

  @Test func shapesThatDoNotFitAreNamed() {
    #expect(
      shapeError(Resize(.bilinear, to: .size(Extent2D(height: 0, width: 4))), [[1, 4, 4, 2]])
        == "Resize: [1, 4, 4, 2] cannot be resized to 0×4 pixels")
    #expect(
      shapeError(Resize(.bilinear, to: .like), [[1, 4, 4, 2], [3, 3]])
        == "Resize: [1, 4, 4, 2] cannot be resized like [3, 3], which is no feature map")
    #expect(
      shapeError(Resize(.bilinear, to: .size(2)), [TensorSpec([1, 4, 4, 2], .uint8)])
        == "Resize: takes a float32 feature map [batch, height, width, channels], not uint8 [1, 4, 4, 2]")
    #expect(
      shapeError(Resize(.bilinear, to: .scale(height: 0.1, width: 1, recomputingScale: false)), [[1, 4, 4, 2]])
        == "Resize: [1, 4, 4, 2] cannot be resized to 0×4 pixels")
    #expect(
      shapeError(Resize(.nearest, to: .scale(height: 1e300, width: 1, recomputingScale: false)), [[1, 4, 4, 2]]) != nil)
  }
}
