import TestSupport
import Testing

@testable import SegEngine

/// Dropout: the identity in inference, random zeros in training.
@Suite struct DropoutTests {
  private func mask(
    _ dropout: Dropout, _ shape: Shape, seed: [Int32] = [1, 0], step: Float = 0, node: String = "drop",
    on backend: any Backend = OpenBLASBackend()
  ) throws -> Tensor {
    try OperatorRunner(backend).run(
      RandomMask(dropout, node: node), [Tensor(shape, repeating: Float(1)), Tensor([2], seed), Tensor([1], [step])])[0]
  }

  @Test func inferenceIsTheIdentity() throws {
    let graph = try Graph("test") { builder in
      let x = builder.input("x", [2, 3, 4, 5])
      builder.output("y", x.dropout(rate: 0.5).stochasticDepth(rate: 0.5))
    }
    let x = Tensor.random([2, 3, 4, 5])
    for optimizes in [true, false] {
      #expect(try graph.compiled(options: .init(optimizes: optimizes)).run(["x": x])["y"] == x)
    }
  }

  /// The number of zeros is binomial: within five deviations of its mean. The others are multiplied so that the mean stays.
  @Test(arguments: [0.1, 0.5, 0.9]) func rates(rate: Double) throws {
    let shape: Shape = [2, 50, 40, 25]
    let values = try mask(Dropout(rate: rate), shape).elements(of: Float.self)
    #expect(Set(values) == [0, Float(1 / (1 - rate))])
    let count = Double(values.count)
    let zeros = Double(values.count { $0 == 0 })
    #expect(abs(zeros - rate * count) <= 5 * (count * rate * (1 - rate)).squareRoot())
    // Neighbours along rows, columns and channels do not depend on each other.
    for distance in [1, 25, 1000, 50000] {
      let both = Double(values.indices.dropLast(distance).count { values[$0] == 0 && values[$0 + distance] == 0 })
      let pairs = count - Double(distance)
      #expect(abs(both - rate * rate * pairs) <= 5 * (pairs * rate * rate).squareRoot(), "\(distance)")
    }
  }

  @Test func unitsAreChannelsOrImages() throws {
    let shape: Shape = [60, 3, 4, 20]
    let channels = try mask(Dropout(rate: 0.5, of: .channel), shape).elements(of: Float.self)
    let images = try mask(Dropout(rate: 0.5, of: .image), shape).elements(of: Float.self)
    for image in 0..<60 {
      for index in 0..<240 {
        #expect(channels[image * 240 + index] == channels[image * 240 + index % 20])
        #expect(images[image * 240 + index] == images[image * 240])
      }
    }
    let ofChannels = (0..<1200).count { channels[$0 / 20 * 240 + $0 % 20] == 0 }
    let ofImages = (0..<60).count { images[$0 * 240] == 0 }
    #expect((514...686).contains(ofChannels))
    #expect((11...49).contains(ofImages))
  }

  /// Other seeds, steps and nodes have other masks; the same ones the same, for any number of threads.
  @Test func numbersFollowFromSeedStepAndNode() throws {
    let shape: Shape = [1, 20, 20, 7]
    let dropout = Dropout(rate: 0.5)
    let first = try mask(dropout, shape)
    for (_, backend) in everyBackend() { #expect(try mask(dropout, shape, on: backend) == first) }
    let others = [
      try mask(dropout, shape, seed: [2, 0]), try mask(dropout, shape, seed: [1, 1]), try mask(dropout, shape, step: 1),
      try mask(dropout, shape, node: "other"),
    ]
    for (index, other) in others.enumerated() {
      // Half of the elements agree.
      let agreeing = zip(first.elements(of: Float.self), other.elements(of: Float.self)).count { $0 == $1 }
      #expect((1270...1530).contains(agreeing), "\(index)")
    }
  }

  /// Every layout of rows, and in place.
  @Test func masksDoNotDependOnLayouts() throws {
    let x = Tensor.random([2, 5, 6, 7])
    for unit in Dropout.Unit.allCases {
      let dropout = Dropout(rate: 0.4, of: unit)
      let mask = try mask(dropout, x.shape).elements(of: Float.self)
      let expected = zip(x.elements(of: Float.self), mask).map { Double($0 * $1) }
      #expect(
        disagreements(
          of: RandomMask(dropout, node: "drop"), [x, Tensor([2], [1, 0] as [Int32]), Tensor([1], [Float(0)])],
          with: [NaiveTensor(shape: x.shape.dimensions, values: expected)], .exact, on: everyBackend()) == [])
    }
  }

  /// The gradient has the zeros of the forward pass.
  @Test func gradients() throws {
    let graph = try Graph("gradient") { builder in
      let (x, seed, step) = (
        builder.input("x", [2, 8, 8, 5]), builder.input("seed", [2], of: .int32), builder.input("step", [1])
      )
      let y = x.apply(RandomMask(Dropout(rate: 0.3), node: "drop"), named: "drop", with: [seed, step])
      builder.output("y", y)
      let loss = y.reduce(.sum, axes: [], keepingAxes: false).reshape([1])
      try builder.addGradients(of: loss, withRespectTo: [x]) { builder.output("dx", $1) }
    }
    let results = try graph.compiled().run([
      "x": Tensor([2, 8, 8, 5], repeating: Float(1)), "seed": Tensor([2], [5, 6] as [Int32]),
      "step": Tensor([1], [Float(3)]),
    ])
    #expect(results["dx"] == results["y"])
  }
}
