import TestSupport
import Testing

@testable import SegEngine

@Suite struct ProductTests {
  private let backends = everyBackend()

  /// A sum of k products of numbers up to 1, each rounded to 6e-8 of the partial sum, which grows with √k.
  private func tolerance(_ k: Int) -> Tolerance { Tolerance(absolute: 8e-7 * Double(max(1, k)).squareRoot()) }

  @Test func matricesAreMultiplied() {
    let outers: [(Shape, Shape, Shape)] = [
      ([], [], []), ([3], [3], [3]), ([2, 3], [3], [2, 3]), ([], [4], [4]), ([2, 1], [1, 3], [2, 3]),
      ([2, 3], [2, 1], [2, 3]),
    ]
    withEvery("outer axes", in: outers) { aOuter, bOuter, outer in
      withEvery("size", in: [(1, 1, 1), (5, 7, 3), (40, 33, 17), (3, 4, 0)]) { m, n, k in
        withEvery("transposed", in: [(false, false), (false, true), (true, false), (true, true)]) { tA, tB in
          let a = Tensor.random(Shape(aOuter.dimensions + (tA ? [k, m] : [m, k])), seed: 1)
          let b = Tensor.random(Shape(bOuter.dimensions + (tB ? [n, k] : [k, n])), seed: 2)
          let expected = NaiveTensor(a).matmul(
            NaiveTensor(b), transposingA: tA, transposingB: tB, to: outer.dimensions + [m, n])
          let op = MatMul(transposingA: tA, transposingB: tB)
          #expect(disagreements(of: op, [a, b], with: [expected], tolerance(k), on: backends) == [])
        }
      }
    }
  }

  @Test func largeMatricesAreCutIntoTiles() {
    withEvery("size", in: [(700, 20, 9), (4, 700, 30), (300, 300, 12), (1, 1, 2000)]) { m, n, k in
      let (a, b) = (Tensor.random([m, k], seed: 3), Tensor.random([k, n], seed: 4))
      let expected = NaiveTensor(a).matmul(NaiveTensor(b), transposingA: false, transposingB: false, to: [m, n])
      #expect(disagreements(of: MatMul(), [a, b], with: [expected], tolerance(k), on: backends) == [])
    }
  }

  /// As large as those of a vision transformer: by Strassen's product, in tiles of rows and of columns.
  @Test func linearLayersOfATransformer() throws {
    let (rows, inputs, outputs) = (97, 1024, 2304)
    let (x, weight) = (Tensor.random([rows, inputs], seed: 5), Tensor.random([outputs, inputs], seed: 6))
    let (bias, residual) = (Tensor.random([outputs], seed: 7), Tensor.random([rows, outputs], seed: 8))
    let graph = try Graph("net") { g in
      g.output("y", g.input("x", [rows, inputs]).linear("l", outputs))
    }
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))
    let plan = try graph.plan(on: backend, options: CompileOptions(convolutionAlgorithm: "strassen"))
    #expect(plan.steps.map(\.algorithm) == ["strassen"])
    let product = NaiveTensor(x).matmul(
      NaiveTensor(weight), transposingA: false, transposingB: true, to: [rows, outputs])
    let (biases, residuals) = (NaiveTensor(bias).values, NaiveTensor(residual))
    let expected = NaiveTensor([rows, outputs]) { max(0, product[$0] + biases[$0[1]] + residuals[$0]) }
    // Errors of Strassen's product are some three times those of the plain one.
    #expect(
      disagreements(
        of: Linear(function: .relu, addingResidual: true), [x, weight, bias, residual], constants: [1, 2],
        with: [expected], Tolerance(absolute: 3 * 8e-7 * Double(inputs).squareRoot()),
        on: [("OpenBLAS, two threads", backend)]) == [])
  }

  @Test func linearLayers() {
    withEvery("shape", in: [[5], [3, 8], [2, 7, 16], [2, 5, 6, 33], [600, 4]] as [Shape]) { shape in
      withEvery("outputs", in: [1, 10, 64]) { outputs in
        withEvery("bias", in: [false, true]) { hasBias in
          withEvery("function", in: [ElementwiseFunction.identity, .relu, .gelu]) { function in
            let weight = Tensor.random([outputs, shape.channels], seed: 5)
            let bias = Tensor.random([outputs], seed: 6)
            let x = Tensor.random(shape, seed: 7)
            let output = Array(shape.dimensions.dropLast()) + [outputs]
            let rows = NaiveTensor(x).reshaped([shape.rows, shape.channels]).matmul(
              NaiveTensor(weight), transposingA: false, transposingB: true, to: [shape.rows, outputs])
            let biases = NaiveTensor(bias).values
            let expected = NaiveTensor([shape.rows, outputs]) {
              let sum = rows[$0] + (hasBias ? biases[$0[1]] : 0)
              return function.value(sum)
            }.reshaped(output)
            let inputs = [x, weight] + (hasBias ? [bias] : [])
            #expect(
              disagreements(
                of: Linear(function: function), inputs, constants: hasBias ? [1, 2] : [1], with: [expected],
                tolerance(shape.channels), on: backends) == [])
          }
        }
      }
    }
  }

  /// Twenty-one classes and others, of pixels that are whole panels and such that are not.
  @Test func planesOfClasses() {
    withEvery("shape", in: [[1, 1, 1, 5], [2, 7, 9, 16], [1, 40, 33, 64], [3, 16, 16, 300]] as [Shape]) { shape in
      withEvery("outputs", in: [1, 6, 21]) { outputs in
        withEvery("bias", in: [false, true]) { hasBias in
          withEvery("function", in: [ElementwiseFunction.identity, .relu, .gelu]) { function in
            let weight = Tensor.random([outputs, shape.channels, 1, 1], seed: 5)
            let bias = Tensor.random([outputs], seed: 6)
            let x = Tensor.random(shape, seed: 7)
            let plane = shape.height * shape.width
            let pixels = NaiveTensor(x).reshaped([shape.rows, shape.channels])
            let classes = NaiveTensor(weight).reshaped([outputs, shape.channels])
            let rows = pixels.matmul(
              classes, transposingA: false, transposingB: true, to: [shape.rows, outputs])
            // The largest Σ |w · x|.
            let largestSum = NaiveTensor(rows.shape) { index in
              (0..<shape.channels).reduce(0.0) { sum, channel in
                sum + abs(pixels[index[0], channel] * classes[index[1], channel])
              }
            }.values.max()!
            let biases = NaiveTensor(bias).values
            let expected = NaiveTensor([shape.batch, outputs, shape.height, shape.width]) {
              let pixel = $0[0] * plane + $0[2] * shape.width + $0[3]
              return function.value(rows[[pixel, $0[1]]] + (hasBias ? biases[$0[1]] : 0))
            }
            let inputs = [x, weight] + (hasBias ? [bias] : [])
            #expect(
              disagreements(
                of: PlanarConvolution(function: function), inputs, constants: hasBias ? [1, 2] : [1], with: [expected],
                Tolerance(absolute: 1e-5 * largestSum), on: backends) == [])
          }
        }
      }
    }
  }

  @Test func attentionOfSeveralHeads() {
    withEvery("tokens", in: [(1, 1), (5, 9), (70, 300), (200, 17)]) { n, m in
      withEvery("heads", in: [(1, 8, 8), (3, 4, 5)]) { heads, d, dv in
        withEvery("mask", in: [[], [n, m], [1, 1, n, m], [2, 1, n, m], [1, heads, n, m], [2, heads, n, m]]) {
          maskShape in
          withEvery("scale", in: [nil, Float(0.3)]) { scale in
            let q = Tensor.random([2, n, heads * d], in: -2...2, seed: 1)
            let k = Tensor.random([2, m, heads * d], in: -2...2, seed: 2)
            let v = Tensor.random([2, m, heads * dv], seed: 3)
            let mask = maskShape.isEmpty ? nil : Tensor.random(Shape(maskShape), in: -3...3, seed: 4)
            let expected = NaiveTensor(q).attention(
              NaiveTensor(k), NaiveTensor(v), heads: heads, mask: mask.map(NaiveTensor.init),
              scale: scale.map(Double.init))
            let op = Attention(heads: heads, scale: scale)
            #expect(
              disagreements(
                of: op, [q, k, v] + (mask.map { [$0] } ?? []), with: [expected], Tolerance(absolute: 4e-6), on: backends
              )
                == [])
          }
        }
      }
    }
  }

  @Test func maskedKeysAreNotSeen() {
    let q = Tensor.random([1, 4, 6], seed: 1)
    let k = Tensor.random([1, 5, 6], seed: 2)
    let v = Tensor.random([1, 5, 6], seed: 3)
    var mask = Tensor(zeros: [4, 5])
    for n in 0..<4 { for m in n + 1..<5 { mask[n, m] = -Float.infinity } }
    let expected = NaiveTensor(q).attention(
      NaiveTensor(k), NaiveTensor(v), heads: 2, mask: NaiveTensor(mask), scale: nil)
    #expect(
      disagreements(
        of: Attention(heads: 2), [q, k, v, mask], with: [expected], Tolerance(absolute: 2e-6), on: backends)
        == [])
  }

  /// No memory for all scores of all queries: each thread has scratch memory for a tile of 24 queries, whose rows of scores lie up to 31
  /// numbers apart and have a sum each, and for the packed keys and values of one head, 64 channels each.
  @Test func attentionNeedsATileOfScores() {
    let tokens = 4096
    let q = TensorSpec([1, tokens, 512])
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))
    let prepared = Attention(heads: 8).prepare(
      PreparationContext(inputs: [q, q, q], outputs: [q], constants: [nil, nil, nil], backend: backend))
    #expect(prepared.workspaceByteCount <= 2 * (24 * (tokens + 31 + 2) + 2 * 64 * tokens) * 4)
  }

  @Test func shapesThatDoNotFitAreNamed() {
    #expect(
      shapeError(MatMul(), [[2, 3], [4, 5]]) == "MatMul: [2, 3] and [4, 5] have no product: the inner extents differ")
    #expect(
      shapeError(MatMul(transposingB: true), [[2, 3], [5, 4]])
        == "MatMul: [2, 3] and [5, 4], the second transposed, have no product: the inner extents differ")
    #expect(
      shapeError(MatMul(), [[2, 2, 3], [3, 3, 5]])
        == "MatMul: the outer axes of [2, 2, 3] and [3, 3, 5] do not broadcast to one shape")
    #expect(shapeError(MatMul(), [[3], [3, 5]]) == "MatMul: [3] and [3, 5] are not both matrices")
    #expect(
      shapeError(Linear(), [[2, 3], [4, 5]]) == "Linear: a weight [out, in] of [4, 5] does not take [2, 3]")
    #expect(
      shapeError(Linear(), [[2, 3], [4, 3], [3]]) == "Linear: the bias of a weight [4, 3] is [4], not [3]")
    #expect(
      shapeError(Attention(heads: 2), [[1, 4, 6], [1, 5, 8], [1, 5, 6]])
        == "Attention: queries [1, 4, 6], keys [1, 5, 8] and values [1, 5, 6] are not [batch, n, c], [batch, m, c] and [batch, m, c′]"
    )
    #expect(
      shapeError(Attention(heads: 4), [[1, 4, 6], [1, 5, 6], [1, 5, 6]])
        == "Attention: the channels of queries [1, 4, 6] and values [1, 5, 6] do not divide into 4 heads")
    #expect(
      shapeError(Attention(heads: 2), [[1, 4, 6], [1, 5, 6], [1, 5, 6], [4, 4]])?.contains("not [4, 4]") == true)
  }
}
