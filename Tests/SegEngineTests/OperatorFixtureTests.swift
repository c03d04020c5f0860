import SegEngine
import SegIO
import TestSupport
import Testing

/// Outputs of PyTorch, in Fixtures/operators with the script that made them. Computed there in float64, so tolerances are those
/// of the definitions.
@Suite struct OperatorFixtureTests {
  private let backends = everyBackend()

  private func cases(_ family: String) throws -> [FixtureCase] {
    let file = try Safetensors(contentsOf: Fixtures.url("operators/\(family).safetensors").path)
    let cases = try FixtureCase.all(tensors: file.tensors, metadata: file.metadata)
    #expect(!cases.isEmpty)
    return cases
  }

  private func check(
    _ fixture: FixtureCase, _ operator: some Operator, _ inputs: [Tensor], _ tolerance: Tolerance,
    indices: Bool = false
  ) {
    withEvery("case", in: [fixture.name]) { _ in
      var expected = [fixture.output]
      if indices { expected.append(NaiveTensor(fixture.tensors["indices"]!)) }
      #expect(disagreements(of: `operator`, inputs, with: expected, tolerance, on: backends) == [])
    }
  }

  @Test func pooling() throws {
    for fixture in try cases("pooling") {
      let x = fixture.operands("input")
      switch fixture.name.prefix(while: { $0 != "_" }) {
      case "max":
        let op = MaxPool(fixture.geometry, roundingUp: fixture.flag("ceil_mode"), givesIndices: true)
        check(fixture, op, x, .exact, indices: true)
      case "average":
        let op = AveragePool(
          fixture.geometry, roundingUp: fixture.flag("ceil_mode"), countingPadding: fixture.flag("count_include_pad"))
        check(fixture, op, x, Tolerance(absolute: 1e-6))
      case "adaptive":
        let operation: GlobalPool.Operation = fixture.name.contains("average") ? .average : .maximum
        check(fixture, AdaptivePool(operation, to: fixture.extent("size")), x, Tolerance(absolute: 1e-6))
      default:
        let op = MaxUnpool(to: .size(fixture.extent("size")))
        check(fixture, op, fixture.operands("input", "indices"), .exact)
      }
    }
  }

  /// PyTorch computes these in float32. Nearest pixels are the same ones; a coordinate may be rounded one unit apart (1e-6 beyond
  /// pixel 8), which a slope of up to 2 a pixel (bicubic: 3.5) turns into a difference of values.
  @Test func resizing() throws {
    for fixture in try cases("resize") {
      let interpolation: Resize.Interpolation =
        switch fixture.text("mode") {
        case "nearest": .nearest
        case "nearest-exact": .nearestExact
        case "bilinear": .bilinear
        default: .bicubic
        }
      let target: Resize.Target =
        fixture.has("size")
        ? .size(fixture.extent("size"))
        : .scale(
          height: fixture.number("factor"), width: fixture.number("factor"),
          recomputingScale: fixture.flag("recompute_scale_factor"))
      let op = Resize(
        interpolation, coordinates: fixture.flag("align_corners") ? .alignCorners : .halfPixel,
        antialiasing: fixture.flag("antialias"), to: target)
      let tolerance: Tolerance =
        switch interpolation {
        case .nearest, .nearestExact: .exact
        case .bilinear: Tolerance(absolute: 2e-6)
        case .bicubic: Tolerance(absolute: 4e-6)
        }
      check(fixture, op, fixture.operands("input"), tolerance)
    }
  }

  @Test func normalization() throws {
    for fixture in try cases("normalization") {
      let inputs = fixture.operands("input", "weight", "bias")
      let epsilon = Float(fixture.number("epsilon"))
      let tolerance = Tolerance(absolute: 1e-5)
      switch fixture.name.prefix(5) {
      case "batch":
        check(fixture, BatchNorm(epsilon: epsilon), inputs + fixture.operands("mean", "variance"), tolerance)
      case "group": check(fixture, GroupNorm(groups: fixture.integer("groups"), epsilon: epsilon), inputs, tolerance)
      case "insta": check(fixture, InstanceNorm(epsilon: epsilon), inputs, tolerance)
      default: check(fixture, LayerNorm(epsilon: epsilon), inputs, tolerance)
      }
    }
  }

  @Test func attentionAndProducts() throws {
    for fixture in try cases("attention") {
      let tolerance = Tolerance(absolute: 4e-6)
      switch fixture.name {
      case "linear": check(fixture, Linear(), fixture.operands("input", "weight", "bias"), tolerance)
      case "matmul": check(fixture, MatMul(), fixture.operands("a", "b"), tolerance)
      default:
        let op = Attention(heads: fixture.integer("heads"))
        check(fixture, op, fixture.operands("queries", "keys", "values", "mask"), tolerance)
      }
    }
  }

  @Test func pointwiseFunctions() throws {
    let functions: [String: ElementwiseFunction] = [
      "relu": .relu, "relu6": .relu6, "leaky_relu": .leakyReLU(slope: 0.1), "elu": .elu(alpha: 1.5), "gelu": .gelu,
      "gelu_tanh": .geluTanh, "silu": .silu, "hard_sigmoid": .hardSigmoid(slope: 1 / 6, offset: 0.5),
      "hard_swish": .hardSwish, "sigmoid": .sigmoid, "tanh": .tanh, "softplus": .softplus(beta: 1, threshold: 20),
      "softplus_2_5": .softplus(beta: 2, threshold: 5), "exp": .exp, "abs": .abs, "erf": .erf,
    ]
    for fixture in try cases("pointwise") {
      let x = fixture.operands("input")
      let axis = fixture.has("axis") ? fixture.integer("axis") : 0
      if let function = functions[fixture.name] {
        check(fixture, Elementwise(function), x, Tolerance(absolute: 4e-7, relative: 4e-7))
      } else if fixture.name == "prelu" {
        check(fixture, PReLU(), fixture.operands("input", "slope"), Tolerance(relative: 6e-8))
      } else if fixture.name.hasPrefix("argmax") {
        check(fixture, ArgMax(axis: axis), x, .exact)
      } else if fixture.name.hasPrefix("mean") {
        check(fixture, Reduce(.mean, axes: [axis]), x, Tolerance(absolute: 4e-6))
      } else {
        let op = Softmax(axis: axis, logarithm: fixture.name.hasPrefix("log"))
        check(fixture, op, x, Tolerance(absolute: 2e-6, relative: 2e-7))
      }
    }
  }

  @Test func movement() throws {
    for fixture in try cases("movement") {
      let x = fixture.operands("input")
      if fixture.name.hasPrefix("pixel_shuffle") {
        check(fixture, PixelShuffle(fixture.integer("factor")), x, .exact)
      } else if fixture.name.hasPrefix("pixel_unshuffle") {
        check(fixture, PixelUnshuffle(fixture.integer("factor")), x, .exact)
      } else {
        // PyTorch names the last axis first: left, right, top, bottom.
        let p = fixture.integers("padding")
        let mode: Pad.Mode =
          switch fixture.text("mode") {
          case "constant": .constant(0.5)
          case "reflect": .reflect
          default: .edge
          }
        let op = Pad(
          [.init(axis: 1, before: p[2], after: p[3]), .init(axis: 2, before: p[0], after: p[1])], mode: mode)
        check(fixture, op, x, .exact)
      }
    }
  }
}
