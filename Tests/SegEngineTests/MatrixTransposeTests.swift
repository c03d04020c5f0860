import SegEngine
import TestSupport
import Testing

@testable import SegEngine

/// Transpositions of whole matrices, which have a kernel of their own, in sizes around its blocks and tiles.
@Suite struct MatrixTransposeTests {
  @Test func rowsAndColumnsChangePlaces() {
    let backends = everyBackend()
    let cases: [([Int], Shape)] = [
      ([0, 2, 3, 1], [2, 21, 13, 17]), ([0, 3, 1, 2], [2, 13, 17, 21]), ([0, 2, 1], [3, 130, 24]), ([1, 0], [300, 7]),
      ([0, 3, 1, 2], [1, 16, 24, 8]), ([0, 2, 1], [1, 9, 9]), ([1, 2, 0], [8, 5, 129]),
    ]
    for (permutation, shape) in cases {
      let x = Tensor.random(shape, seed: 1)
      let source = NaiveTensor(x)
      let expected = NaiveTensor(permutation.map { shape[$0] }) { index in
        var place = [Int](repeating: 0, count: index.count)
        for (axis, from) in permutation.enumerated() { place[from] = index[axis] }
        return source[place]
      }
      #expect(disagreements(of: Transpose(permutation), [x], with: [expected], .exact, on: backends) == [])
    }
  }
}
