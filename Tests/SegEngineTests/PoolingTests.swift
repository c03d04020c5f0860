import SegEngine
import TestSupport
import Testing

@Suite struct PoolingTests {
  private let backends = everyBackend()
  private let average = Tolerance(absolute: 1e-6)

  private static let geometries: [ConvolutionGeometry] = {
    var result: [ConvolutionGeometry] = []
    withEvery("kernel", in: [Extent2D(1), Extent2D(2), Extent2D(3), Extent2D(height: 2, width: 3)]) { kernel in
      withEvery("stride", in: [Extent2D(1), Extent2D(2), Extent2D(height: 3, width: 2)]) { stride in
        withEvery("dilation", in: [1, 2]) { dilation in
          result.append(.init(kernel: kernel, stride: stride, dilation: Extent2D(dilation)))
          if kernel != 1 {
            result.append(.init(kernel: kernel, stride: stride, dilation: Extent2D(dilation), padding: 1))
          }
        }
      }
    }
    result.append(.init(kernel: 3, stride: 2, padding: Padding2D(top: 0, left: 1, bottom: 1, right: 0)))
    return result
  }()

  @Test func maxPoolIsTheLargestOfEachWindow() {
    withEvery("channels", in: [1, 5, 16, 19]) { channels in
      let x = Tensor.random([2, 7, 9, channels], seed: UInt64(channels))
      let naive = NaiveTensor(x)
      withEvery("geometry", in: Self.geometries) { geometry in
        withEvery("roundingUp", in: [false, true]) { roundingUp in
          let expected = naive.maxPool(geometry, roundingUp: roundingUp)
          #expect(
            disagreements(
              of: MaxPool(geometry, roundingUp: roundingUp), [x], with: [expected[0]], .exact, on: backends) == [])
          #expect(
            disagreements(
              of: MaxPool(geometry, roundingUp: roundingUp, givesIndices: true), [x], with: expected, .exact,
              on: backends) == [])
        }
      }
    }
  }

  /// A NaN is the largest, the first one is found, and among equals the first.
  @Test func maxPoolPassesNaNOnAndTakesTheFirstOfEquals() {
    withEvery("channels", in: [3, 17]) { channels in
      var x = Tensor([1, 4, 4, channels], repeating: Float(1))
      x[0, 1, 1, 2] = Float.nan
      x[0, 2, 2, 2] = Float.nan
      x[0, 3, 3, 0] = -Float.infinity
      let geometry = ConvolutionGeometry(kernel: 3, stride: 1, padding: 1)
      let values = NaiveTensor(x).maxPool(geometry, roundingUp: false)[0]
      let op = MaxPool(geometry)
      #expect(disagreements(of: op, [x], with: [values], .exact, on: backends) == [])
      let y = Tensor([1, 4, 4, channels], repeating: Float(1))
      let equals = NaiveTensor(y).maxPool(geometry, roundingUp: false)
      let withIndices = MaxPool(geometry, givesIndices: true)
      #expect(disagreements(of: withIndices, [y], with: equals, .exact, on: backends) == [])
    }
  }

  /// With `ceil_mode`, PyTorch has an output for a window that is larger than the map by less than the stride.
  @Test func windowsMayBeLargerThanTheMap() throws {
    let x = Tensor([1, 1, 3, 1], [5, 2, -1] as [Float])
    let geometry = ConvolutionGeometry(kernel: 2, stride: 2)
    for (_, backend) in backends {
      let graph = try Graph("pool") { g in
        let x = g.input("x", [1, 1, 3, 1])
        g.output("max", x.maxPool(kernel: 2, roundingUp: true))
        g.output("mean", x.apply(AveragePool(geometry, roundingUp: true, countingPadding: false), named: "mean"))
      }
      let outputs = try graph.compiled(on: backend).run(["x": x])
      #expect(outputs["max"] == Tensor([1, 1, 2, 1], [5, -1] as [Float]))
      #expect(outputs["mean"] == Tensor([1, 1, 2, 1], [3.5, -1] as [Float]))
    }
    #expect(geometry.outputSize(of: 1, roundingUp: true) == 1)
    #expect(geometry.outputSize(of: 1) == 0)
    let wide = ConvolutionGeometry(kernel: 3, stride: 1)
    #expect(wide.outputSize(of: 2, roundingUp: true) == 0)
    #expect(
      ConvolutionGeometry(kernel: 5, stride: 3).outputSize(of: Extent2D(height: 2, width: 3), roundingUp: true)
        == Extent2D(height: 0, width: 1))
  }

  @Test func windowsOfPaddingAloneAreMinusInfinity() {
    let x = Tensor.random([1, 1, 1, 18])
    let geometry = ConvolutionGeometry(kernel: 2, stride: 1, dilation: 3, padding: 2)
    withEvery("indices", in: [false, true]) { givesIndices in
      let expected = NaiveTensor(x).maxPool(geometry, roundingUp: false)
      let op = MaxPool(geometry, givesIndices: givesIndices)
      #expect(
        disagreements(of: op, [x], with: givesIndices ? expected : [expected[0]], .exact, on: backends) == [])
    }
  }

  @Test func averagePoolIsTheMeanOfEachWindow() {
    withEvery("channels", in: [1, 6, 17]) { channels in
      let x = Tensor.random([2, 7, 9, channels], seed: UInt64(channels))
      let naive = NaiveTensor(x)
      withEvery("geometry", in: Self.geometries) { geometry in
        withEvery("roundingUp", in: [false, true]) { roundingUp in
          withEvery("countingPadding", in: [false, true]) { countingPadding in
            let op = AveragePool(geometry, roundingUp: roundingUp, countingPadding: countingPadding)
            let expected = naive.averagePool(geometry, roundingUp: roundingUp, countingPadding: countingPadding)
            #expect(disagreements(of: op, [x], with: [expected], average, on: backends) == [])
          }
        }
      }
    }
  }

  @Test func globalPoolsTakeAllPixels() {
    withEvery("size", in: [Extent2D(1), Extent2D(height: 5, width: 7), Extent2D(height: 40, width: 33)]) { size in
      withEvery("channels", in: [1, 3, 64, 150]) { channels in
        let x = Tensor.random([2, size.height, size.width, channels], seed: 3)
        let mean = NaiveTensor(x).adaptivePool(.average, to: 1)
        #expect(disagreements(of: GlobalPool(.average), [x], with: [mean], average, on: backends) == [])
        let largest = NaiveTensor(x).adaptivePool(.maximum, to: 1)
        #expect(disagreements(of: GlobalPool(.maximum), [x], with: [largest], .exact, on: backends) == [])
      }
    }
  }

  /// A sum of 90 000 numbers near 1 in float32, one after the other, would lose three digits.
  @Test func globalMeansOfLargeImagesKeepTheirDigits() {
    let x = Tensor.random([1, 300, 300, 2], in: 0.9...1.1, seed: 4)
    let mean = NaiveTensor(x).adaptivePool(.average, to: 1)
    #expect(
      disagreements(of: GlobalPool(.average), [x], with: [mean], Tolerance(absolute: 2e-6), on: backends) == [])
  }

  @Test func adaptivePoolsLayAGridOverTheImage() {
    withEvery(
      "grid",
      in: [Extent2D(1), Extent2D(2), Extent2D(height: 3, width: 4), Extent2D(6), Extent2D(height: 9, width: 11)]
    ) { grid in
      withEvery("channels", in: [2, 70]) { channels in
        let x = Tensor.random([2, 7, 10, channels], seed: 5)
        withEvery("operation", in: [GlobalPool.Operation.average, .maximum]) { operation in
          let expected = NaiveTensor(x).adaptivePool(operation, to: grid)
          #expect(
            disagreements(of: AdaptivePool(operation, to: grid), [x], with: [expected], average, on: backends) == [])
        }
      }
    }
  }

  @Test func unpoolingPutsValuesBack() throws {
    withEvery("channels", in: [1, 16, 21]) { channels in
      let x = Tensor.random([2, 6, 8, channels], seed: 6)
      let geometry = ConvolutionGeometry(kernel: 2, stride: 2)
      let pooled = NaiveTensor(x).maxPool(geometry, roundingUp: false)
      let values = Tensor([2, 3, 4, channels], pooled[0].values.map { Float($0) })
      let indices = Tensor([2, 3, 4, channels], pooled[1].values.map { Int32($0) })
      let expected = pooled[0].maxUnpool(pooled[1], to: Extent2D(height: 6, width: 8))
      withEvery(
        "target", in: [MaxUnpool.Target.size(Extent2D(height: 6, width: 8)), .geometry(geometry), .like]
      ) { target in
        let inputs = target == .like ? [values, indices, x] : [values, indices]
        #expect(disagreements(of: MaxUnpool(to: target), inputs, with: [expected], .exact, on: backends) == [])
      }
    }
  }

  /// The guards around the output would show a write that follows a bad index.
  @Test func indicesOutsideAreLeftOut() {
    let values = Tensor.random([1, 2, 2, 3])
    let places: [Int32] = [0, 15, 16, -1, .max, .min, 3, 17, 1 << 20, -16, 5, 4]
    let indices = Tensor([1, 2, 2, 3], places)
    let expected = NaiveTensor(values).maxUnpool(NaiveTensor(indices), to: 4)
    #expect(
      disagreements(of: MaxUnpool(to: .size(4)), [values, indices], with: [expected], .exact, on: backends) == [])
  }

  @Test func shapesThatDoNotFitAreNamed() {
    let small = ConvolutionGeometry(kernel: 5)
    #expect(
      shapeError(MaxPool(small), [[1, 4, 9, 3]])
        == "MaxPool: a window of 5×5 does not fit [1, 4, 9, 3]: the output would be 0×5")
    #expect(
      shapeError(AveragePool(small), [[4, 9, 3]])
        == "AveragePool: takes a float32 feature map [batch, height, width, channels], not float32 [4, 9, 3]")
    #expect(shapeError(GlobalPool(.average), [[1, 0, 4, 3]]) == "GlobalPool: there are no pixels in [1, 0, 4, 3]")
    #expect(
      shapeError(MaxUnpool(to: .size(4)), [TensorSpec([1, 2, 2, 3]), TensorSpec([1, 2, 2, 4], .int32)])
        == "MaxUnpool: the indices of float32 [1, 2, 2, 3] are int32 [1, 2, 2, 3], not int32 [1, 2, 2, 4]")
    #expect(
      shapeError(AdaptivePool(.average, to: 2), [TensorSpec([1, 2, 2, 3], .uint8)])
        == "AdaptivePool: takes a float32 feature map [batch, height, width, channels], not uint8 [1, 2, 2, 3]")
    #expect(shapeError(MaxPool(small), [[1, 5, 5, 1], [1]]) == "MaxPool: takes 1 to 1 inputs, not 2")
  }
}
