import SegIO
import TestSupport
import Testing

@testable import SegEngine

/// Gradients of PyTorch in float64 (`Tests/Fixtures/gradients/make_gradients.py`): each operator in a graph of its own whose loss is the sum
/// of output · given gradient, on every backend, optimised and not.
@Suite struct GradientFixtureTests {
  private let backends = everyBackend()

  @Test(arguments: [
    ("functions", 34), ("binary", 78), ("convolution", 54), ("transposed_convolution", 17), ("normalization", 62),
    ("pooling", 49), ("resize", 52), ("movement", 43), ("reduction", 77), ("product", 35),
    ("deformable_convolution", 6),
  ]) func gradients(_ family: String, _ count: Int) throws {
    let file = try Safetensors(contentsOf: Fixtures.url("gradients/\(family).safetensors").path)
    let cases = try FixtureCase.all(tensors: file.tensors, metadata: file.metadata)
    #expect(cases.count == count)
    for fixture in cases {
      do { try check(fixture) } catch { Issue.record("\(fixture.name): \(error)") }
    }
  }

  private func check(_ fixture: FixtureCase) throws {
    let inputs = fixture.numbered("in")
    let graph = try Graph("gradients") { builder in
      let values = inputs.map { builder.input("in\($0.index)", $0.tensor.shape, of: $0.tensor.elementType) }
      let outputs = try fixture.apply(values, in: builder)
      #expect(outputs.count == fixture.integer("outputs"))
      var loss: Value?
      for (index, dy) in fixture.numbered("dy") {
        let weighted = outputs[index].combine(.multiply, builder.input("dy\(index)", dy.shape))
        let sum =
          weighted.shape.rank == 0
          ? weighted.reshape([1])
          : weighted.reduce(.sum, axes: [], keepingAxes: false, named: "sum").reshape([1])
        loss = loss.map { $0.combine(.add, sum) } ?? sum
      }
      let wanted = fixture.numbered("grad").map { values[$0.index] }
      var seen: [Int] = []
      try builder.addGradients(of: loss!, withRespectTo: wanted) { value, gradient in
        let index = values.firstIndex { $0.id == value.id }!
        seen.append(index)
        builder.output("grad\(index)", gradient)
      }
      #expect(seen.sorted() == fixture.numbered("grad").map(\.index), "\(fixture.name)")
    }
    var given = Dictionary(uniqueKeysWithValues: inputs.map { ("in\($0.index)", $0.tensor) })
    for (index, dy) in fixture.numbered("dy") { given["dy\(index)"] = dy }
    for (name, backend) in backends {
      for optimizes in [true, false] {
        let model = try graph.compiled(on: backend, options: .init(optimizes: optimizes))
        let needed = given.filter { entry in model.inputs.contains { $0.name == entry.key } }
        let results = try model.run(needed)
        for (index, expected) in fixture.numbered("grad") {
          let wanted = NaiveTensor(expected)
          let largest = wanted.values.reduce(0) { max($0, abs($1)) }
          // Float32 rounds each of the sums' terms, and what is rounded is at most a few times the largest gradient.
          let tolerance = Tolerance(absolute: fixture.tolerance * largest)
          if let problem = mismatch(results["grad\(index)"]!, wanted, tolerance) {
            Issue.record("\(fixture.name) [\(name)\(optimizes ? "" : ", not optimised")] gradient \(index): \(problem)")
          }
        }
      }
    }
  }
}

extension FixtureCase {
  /// The tensors `prefix` with a number, in order.
  fileprivate func numbered(_ prefix: String) -> [(index: Int, tensor: Tensor)] {
    tensors.compactMap { key, tensor in
      key.hasPrefix(prefix) ? Int(key.dropFirst(prefix.count)).map { (index: $0, tensor: tensor) } : nil
    }.sorted { $0.index < $1.index }
  }

  /// The error in proportion to the largest gradient.
  fileprivate var tolerance: Double {
    // x − mean loses two digits where the mean is a hundred deviations.
    if name == "batch_large_mean" { return 1e-4 }
    // The kernel's coordinates are rounded to float32: 1e-6 of a pixel, times a slope of up to 3.5.
    if text("op") == "resize" { return 2e-5 }
    return 1e-5
  }

  /// The function that the operator applies to its result.
  private var function: ElementwiseFunction {
    let numbers = numbers("numbers").map { Float($0) }
    switch text("function") {
    case "", "identity": return .identity
    case "relu": return .relu
    case "clip": return .clip(low: numbers[0], high: numbers[1])
    case "leakyReLU": return .leakyReLU(slope: numbers[0])
    case "elu": return .elu(alpha: numbers[0])
    case "gelu": return .gelu
    case "geluTanh": return .geluTanh
    case "silu": return .silu
    case "hardSigmoid": return .hardSigmoid(slope: numbers[0], offset: numbers[1])
    case "hardSwish": return .hardSwish
    case "sigmoid": return .sigmoid
    case "tanh": return .tanh
    case "softplus": return .softplus(beta: numbers[0], threshold: numbers[1])
    case "exp": return .exp
    case "log": return .log
    case "sqrt": return .sqrt
    case "abs": return .abs
    case "negate": return .negate
    case "reciprocal": return .reciprocal
    case "erf": return .erf
    default: preconditionFailure("\(name): there is no function \(text("function"))")
    }
  }

  /// Applies the operator of the case.
  fileprivate func apply(_ inputs: [Value], in builder: GraphBuilder) throws -> [Value] {
    func one(_ operator: some Operator) -> [Value] {
      builder.add(`operator`, named: "operator", to: inputs)
    }
    switch text("op") {
    case "function": return one(Elementwise(function))
    case "identity": return one(Identity())
    case "prelu": return one(PReLU())
    case "binary":
      let operation = BinaryOperation.allCases.first { "\($0)" == text("operation") }!
      return one(Binary(operation, function: function))
    case "convolution": return one(Convolution(geometry, function: function, addingResidual: flag("residual")))
    case "transposed":
      return one(
        TransposedConvolution(
          geometry, outputPadding: extent("output_padding"), function: function, addingResidual: flag("residual")))
    case "deformable":
      return one(
        DeformableConvolution(geometry, offsetGroups: integer("offset_groups"), modulated: flag("masked")))
    case "batch_norm":
      var operands = inputs
      if text("mode") == "batch" {
        operands[3...4] = builder.add(BatchMoments(), named: "moments", to: [inputs[0]], outputCount: 2)[...]
      }
      return builder.add(
        BatchNorm(epsilon: Float(number("epsilon")), function: function), named: "operator", to: operands)
    case "group_norm": return one(GroupNorm(groups: integer("groups"), epsilon: Float(number("epsilon"))))
    case "instance_norm": return one(InstanceNorm(epsilon: Float(number("epsilon"))))
    case "layer_norm": return one(LayerNorm(epsilon: Float(number("epsilon"))))
    case "softmax": return one(Softmax(axis: integer("axis"), logarithm: flag("logarithm")))
    case "max_pool": return one(MaxPool(geometry, roundingUp: flag("ceil_mode")))
    case "average_pool":
      return one(
        AveragePool(geometry, roundingUp: flag("ceil_mode"), countingPadding: flag("count_include_pad")))
    case "adaptive_average": return one(AdaptivePool(.average, to: extent("size")))
    case "adaptive_max": return one(AdaptivePool(.maximum, to: extent("size")))
    case "global_average": return one(GlobalPool(.average))
    case "global_maximum": return one(GlobalPool(.maximum))
    case "unpool": return one(MaxUnpool(to: .size(extent("size"))))
    case "resize":
      let interpolations: [String: Resize.Interpolation] = [
        "nearest": .nearest, "nearest-exact": .nearestExact, "bilinear": .bilinear, "bicubic": .bicubic,
      ]
      let target: Resize.Target =
        has("size")
        ? .size(extent("size"))
        : .scale(
          height: number("factor"), width: number("factor"), recomputingScale: flag("recompute_scale_factor"))
      return one(
        Resize(
          interpolations[text("mode")]!, coordinates: flag("align_corners") ? .alignCorners : .halfPixel,
          antialiasing: flag("antialias"), to: target))
    case "shuffle": return one(PixelShuffle(integer("factor")))
    case "unshuffle": return one(PixelUnshuffle(integer("factor")))
    case "concat": return one(Concat(axis: integer("axis")))
    case "split":
      let sizes = integers("sizes")
      return builder.add(
        Split(.sizes(sizes), axis: integer("axis")), named: "operator", to: inputs, outputCount: sizes.count)
    case "slice":
      let ranges = integers("axes").indices.map { index in
        Slice.Range(
          axis: integers("axes")[index], from: integers("starts")[index], to: integers("ends")[index],
          step: integers("steps")[index])
      }
      return one(Slice(ranges))
    case "pad":
      let (axes, amounts) = (integers("axes"), integers("amounts"))
      let mode: Pad.Mode =
        switch text("mode") {
        case "reflect": .reflect
        case "replicate": .edge
        default: .constant(has("value") ? Float(number("value")) : 0)
        }
      return one(
        Pad(
          axes.indices.map { .init(axis: axes[$0], before: amounts[2 * $0], after: amounts[2 * $0 + 1]) }, mode: mode))
    case "crop": return one(CropLike(anchor: CropLike.Anchor(rawValue: text("anchor"))!))
    case "pad_like": return one(PadLike())
    case "broadcast": return one(Broadcast(to: .shape(integers("to"))))
    case "reshape": return [inputs[0].reshape(integers("to"))]
    case "transpose": return one(Transpose(integers("order")))
    case "reduce":
      let operation = Reduce.Operation(rawValue: text("operation"))!
      return one(Reduce(operation, axes: integers("axes"), keepsAxes: flag("keep")))
    case "matmul": return one(MatMul(transposingA: flag("ta"), transposingB: flag("tb")))
    case "linear": return one(Linear(function: function, addingResidual: flag("residual")))
    case "attention": return one(Attention(heads: integer("heads")))
    default: preconditionFailure("\(name): there is no operator \(text("op"))")
    }
  }
}
