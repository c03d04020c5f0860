import SegEngine
import TestSupport
import Testing

/// Operators that move elements and change none: exact, for every element type.
@Suite struct MovementTests {
  private let backends = everyBackend()

  private func check(_ operator: some Operator, _ inputs: [Tensor], _ expected: [NaiveTensor]) {
    let problems = disagreements(of: `operator`, inputs, with: expected, .exact, on: backends)
    #expect(problems == [])
  }

  @Test func concatenation() {
    withEvery("type", in: ElementType.allCases) { type in
      withEvery("axis", in: 0..<4) { axis in
        let parts = [1, 3, 2].map { extent -> Tensor in
          var shape = [2, 3, 4, 5]
          shape[axis] = extent
          return .counting(Shape(shape), of: type)
        }
        let expected = NaiveTensor.concat(parts.map(NaiveTensor.init), axis: axis)
        check(Concat(axis: axis), parts, [expected])
        check(Concat(axis: axis - 4), parts, [expected])
      }
    }
    let wide = [Tensor.random([1, 9, 9, 64]), .random([1, 9, 9, 33]), .random([1, 9, 9, 0])]
    check(Concat(), wide, [NaiveTensor.concat(wide.map(NaiveTensor.init), axis: 3)])
  }

  @Test func splitting() {
    withEvery("type", in: ElementType.allCases) { type in
      withEvery("axis", in: 0..<3) { axis in
        let x = Tensor.counting([6, 6, 6], of: type)
        let naive = NaiveTensor(x)
        func parts(_ sizes: [Int]) -> [NaiveTensor] {
          sizes.indices.map { i in
            let start = sizes[..<i].reduce(0, +)
            return naive.taking(Array(start..<start + sizes[i]), axis: axis)
          }
        }
        check(Split(.sizes([1, 3, 2]), axis: axis), [x], parts([1, 3, 2]))
        check(Split(.equal(3), axis: axis - 3), [x], parts([2, 2, 2]))
      }
    }
  }

  @Test func slicing() {
    let choices: [(Int?, Int?)] = [
      (nil, nil), (1, 5), (-3, nil), (nil, -2), (4, 1), (100, 2), (-100, 100), (0, 0), (6, nil), (2, 3),
    ]
    withEvery("axis", in: 0..<3) { axis in
      withEvery("range", in: choices) { start, end in
        withEvery("step", in: [1, 2, 5, -1, -3, 100, .max, .min]) { step in
          let x = Tensor.random([7, 7, 7])
          let bound = { (i: Int) in i < 0 ? i + 7 : i }
          // The definition: walk from the start, clamped, until the end is reached.
          var indices: [Int] = []
          var at = start.map { min(max(bound($0), step > 0 ? 0 : -1), step > 0 ? 7 : 6) } ?? (step > 0 ? 0 : 6)
          let stop = end.map { min(max(bound($0), -1), 7) } ?? (step > 0 ? 7 : -1)
          while step > 0 ? at < stop : at > stop {
            indices.append(at)
            let (next, overflow) = at.addingReportingOverflow(step)
            if overflow { break }
            at = next
          }
          let expected = NaiveTensor(x).taking(indices, axis: axis)
          let op = Slice([.init(axis: axis, from: start, to: end, step: step)])
          check(op, [x], [expected])
        }
      }
    }
    withEvery("type", in: ElementType.allCases) { type in
      let x = Tensor.counting([3, 8, 9, 4], of: type)
      let op = Slice([
        .init(axis: 1, from: 1, to: 6, step: 2), .init(axis: 2, step: -2), .init(axis: -1, from: 1, to: 3),
      ])
      let expected = NaiveTensor(x).taking([1, 3, 5], axis: 1).taking([8, 6, 4, 2, 0], axis: 2).taking([1, 2], axis: 3)
      check(op, [x], [expected])
    }
  }

  @Test func cropping() {
    withEvery("type", in: ElementType.allCases) { type in
      let x = Tensor.counting([2, 7, 10, 3], of: type)
      let other = Tensor(zeros: [5, 4, 6, 1])
      let naive = NaiveTensor(x)
      check(CropLike(), [x, other], [naive.taking(Array(1..<5), axis: 1).taking(Array(2..<8), axis: 2)])
      check(
        CropLike(anchor: .topLeft), [x, other], [naive.taking(Array(0..<4), axis: 1).taking(Array(0..<6), axis: 2)])
    }
  }

  @Test func padding() {
    withEvery("axis", in: 0..<4) { axis in
      withEvery("before", in: [-2, 0, 1, 3]) { before in
        withEvery("after", in: [-1, 0, 2]) { after in
          withEvery("mode", in: [Pad.Mode.constant(2.5), .reflect, .edge]) { mode in
            let x = Tensor.random([4, 5, 4, 6], seed: 2)
            let extent = x.shape[axis]
            let indices = (-before..<extent + after).map { i -> Int in
              switch mode {
              case .constant: return (0..<extent).contains(i) ? i : -1
              case .edge: return min(max(i, 0), extent - 1)
              case .reflect: return i < 0 ? -i : i >= extent ? 2 * (extent - 1) - i : i
              }
            }
            let expected = NaiveTensor(x).taking(indices, axis: axis, fill: 2.5)
            check(Pad([.init(axis: axis, before: before, after: after)], mode: mode), [x], [expected])
          }
        }
      }
    }
    withEvery("type", in: ElementType.allCases) { type in
      let x = Tensor.counting([2, 3, 4, 5], of: type)
      let op = Pad(
        [
          .init(axis: 1, before: 1, after: 2), .init(axis: 2, before: 3, after: -1),
          .init(axis: 3, before: 2, after: 1),
        ],
        mode: .constant(7))
      let expected = NaiveTensor(x).taking([-1, 0, 1, 2, -1, -1], axis: 1, fill: 7)
        .taking([-1, -1, -1, 0, 1, 2], axis: 2, fill: 7).taking([-1, -1, 0, 1, 2, 3, 4, -1], axis: 3, fill: 7)
      check(op, [x], [expected])
    }
  }

  @Test func reshaping() {
    let x = Tensor.counting([2, 3, 4, 6], of: .int64)
    let naive = NaiveTensor(x)
    check(Reshape(to: .dimensions([0, -1, 6])), [x], [naive.reshaped([2, 12, 6])])
    check(Reshape(to: .dimensions([0, 0, 0, 2, -1])), [x], [naive.reshaped([2, 3, 4, 2, 3])])
    check(Reshape(to: .dimensions([144])), [x], [naive.reshaped([144])])
    check(Reshape(to: .flattening(from: 1, to: 2)), [x], [naive.reshaped([2, 12, 6])])
    check(Reshape(to: .flattening(from: -3, to: -1)), [x], [naive.reshaped([2, 72])])
    let tokens = x.reshaped(to: [2, 12, 6])
    check(Reshape(to: .mapLike), [tokens, Tensor(zeros: [2, 3, 4, 1])], [naive])
  }

  @Test func transposition() {
    let orders = [
      [0, 1, 2, 3], [0, 3, 1, 2], [0, 2, 3, 1], [0, 2, 1, 3], [3, 2, 1, 0], [1, 0, 3, 2], [0, 1, 3, 2], [2, 3, 0, 1],
    ]
    withEvery("order", in: orders) { order in
      withEvery("type", in: ElementType.allCases) { type in
        let x = Tensor.counting([2, 3, 4, 5], of: type)
        check(Transpose(order), [x], [NaiveTensor(x).transpose(order)])
      }
      let one = Tensor.random([1, 3, 1, 4])
      check(Transpose(order), [one], [NaiveTensor(one).transpose(order)])
      let large = Tensor.random([2, 40, 37, 35])
      check(Transpose(order), [large], [NaiveTensor(large).transpose(order)])
    }
    let scalar = Tensor(scalar: Float(3))
    check(Transpose([]), [scalar], [NaiveTensor(scalar)])
  }

  @Test func broadcasting() {
    withEvery("type", in: ElementType.allCases) { type in
      let x = Tensor.counting([2, 1, 3], of: type)
      let expected = NaiveTensor([4, 2, 5, 3]) { NaiveTensor(x).broadcasting($0) }
      check(Broadcast(to: .shape([4, 2, 5, 3])), [x], [expected])
      check(Broadcast(to: .shape([4, -1, 5, -1])), [x], [expected])
      check(Broadcast(to: .like), [x, Tensor(zeros: [4, 1, 5, 1])], [expected])
      let pixel = Tensor.counting([2, 1, 1, 3], of: type)
      check(
        Broadcast(to: .spatialLike), [pixel, Tensor(zeros: [7, 4, 5, 6])],
        [NaiveTensor([2, 4, 5, 3]) { NaiveTensor(pixel).broadcasting($0) }])
      let token = Tensor.counting([1, 2, 3], of: type)
      check(
        Broadcast(to: .batchLike), [token, Tensor(zeros: [5, 7, 4])],
        [NaiveTensor([5, 2, 3]) { NaiveTensor(token).broadcasting($0) }])
    }
  }

  @Test func shuffling() {
    withEvery("factor", in: [1, 2, 3]) { factor in
      withEvery("channels", in: [1, 2, 16]) { channels in
        withEvery("type", in: ElementType.allCases) { type in
          let x = Tensor.counting([2, 3, 4, channels * factor * factor], of: type)
          let shuffled = NaiveTensor(x).pixelShuffle(factor)
          check(PixelShuffle(factor), [x], [shuffled])
          // Shuffling back gives what was there; the definition of one is the proof of the other.
          var tensor = Tensor(zeros: Shape(shuffled.shape), of: type)
          if let whole = try? OperatorRunner(backends[0].backend).run(PixelShuffle(factor), [x])[0] { tensor = whole }
          check(PixelUnshuffle(factor), [tensor], [NaiveTensor(x)])
        }
      }
    }
  }

  @Test func emptyTensorsAreMovedToo() {
    let x = Tensor(zeros: [2, 0, 4, 3])
    check(Transpose([0, 3, 1, 2]), [x], [NaiveTensor([2, 3, 0, 4]) { _ in 0 }])
    check(Slice([.init(axis: 2, from: 1)]), [x], [NaiveTensor([2, 0, 3, 3]) { _ in 0 }])
    check(Concat(axis: 1), [x, Tensor([2, 1, 4, 3], repeating: Float(1))], [NaiveTensor([2, 1, 4, 3]) { _ in 1 }])
    check(
      Pad([.init(axis: 1, before: 1, after: 1)], mode: .constant(4)), [x], [NaiveTensor([2, 2, 4, 3]) { _ in 4 }])
  }

  @Test func shapesThatDoNotFitAreNamed() {
    #expect(
      shapeError(Concat(), [[1, 4, 4, 2], [1, 4, 5, 2]])
        == "Concat: float32 [1, 4, 5, 2] cannot follow float32 [1, 4, 4, 2] along axis 3")
    #expect(
      shapeError(Concat(), [TensorSpec([4]), TensorSpec([4], .int32)])
        == "Concat: int32 [4] cannot follow float32 [4] along axis 0")
    #expect(shapeError(Concat(axis: 4), [[1, 2]]) == "Concat: there is no axis 4 in [1, 2]")
    #expect(
      shapeError(Split(.sizes([1, 2])), [[1, 4]]) == "Split: parts of [1, 2] along axis 1 are not those of [1, 4]")
    #expect(shapeError(Split(.equal(3)), [[1, 4]]) == "Split: axis 1 of [1, 4] does not divide into 3 parts")
    #expect(
      shapeError(Slice([.init(axis: 0), .init(axis: -2)]), [[1, 4]]) == "Slice: axis 0 of [1, 4] is sliced twice")
    #expect(
      shapeError(CropLike(), [[1, 4, 4, 2], [1, 5, 3, 2]])
        == "CropLike: [1, 4, 4, 2] cannot be cropped to the height and width of [1, 5, 3, 2]")
    #expect(
      shapeError(Pad([.init(axis: 1, before: 4, after: 0)], mode: .reflect), [[1, 4, 4, 2]])
        == "Pad: axis 1 of [1, 4, 4, 2] cannot be mirrored 4 elements beyond its ends")
    #expect(
      shapeError(Pad([.init(axis: 1, before: -3, after: -2)]), [[1, 4, 4, 2]])
        == "Pad: -3 before and -2 after axis 1 of [1, 4, 4, 2] leave nothing")
    #expect(shapeError(Pad([.init(axis: 1, before: .max, after: .max)]), [[1, 4, 4, 2]]) != nil)
    #expect(
      shapeError(Reshape(to: .dimensions([5, -1])), [[3, 4]]) == "Reshape: [3, 4] cannot be seen as [5, -1]")
    #expect(shapeError(Reshape(to: .dimensions([7])), [[3, 4]]) == "Reshape: [3, 4] cannot be seen as [7]")
    #expect(shapeError(Reshape(to: .dimensions([-1, -1])), [[3, 4]]) != nil)
    #expect(shapeError(Reshape(to: .dimensions([.max, .max])), [[3, 4]]) != nil)
    #expect(
      shapeError(Reshape(to: .mapLike), [[1, 12, 3], [1, 3, 5, 2]])
        == "Reshape: [1, 12, 3] are not the tokens [batch, height · width, channels] of a map like [1, 3, 5, 2]")
    #expect(
      shapeError(Transpose([0, 2, 1]), [[3, 4]]) == "Transpose: the order [0, 2, 1] is not one of the axes of [3, 4]")
    #expect(shapeError(Broadcast(to: .shape([2, 5])), [[3, 4]]) == "Broadcast: [3, 4] does not repeat to [2, 5]")
    #expect(
      shapeError(PixelShuffle(2), [[1, 4, 4, 6]])
        == "PixelShuffle: the channels of [1, 4, 4, 6] are no multiple of 2·2, to become [batch, height, width, channels / 2²]"
    )
    #expect(shapeError(PixelUnshuffle(3), [[1, 4, 4, 6]])?.contains("[1, 4, 4, 6]") == true)
    #expect(shapeError(PixelUnshuffle(.max), [[1, 0, 0, 6]]) != nil)
  }
}
