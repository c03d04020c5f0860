import Foundation
import SegEngine
import SegModels
import SegWeights
import TestSupport
import Testing

@testable import SegONNX

/// A graph that is exported and imported again.
struct ExportCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let inputs: [Shape]
  /// Makes the output from the inputs. Parameters are named within the graph.
  let build: @Sendable (GraphBuilder, [Value]) -> Value

  init(_ name: String, _ inputs: [Shape], _ build: @escaping @Sendable (GraphBuilder, [Value]) -> Value) {
    testDescription = name
    self.inputs = inputs
    self.build = build
  }

  /// A case with one input.
  init(_ name: String, _ input: Shape = [1, 7, 9, 6], _ build: @escaping @Sendable (GraphBuilder, Value) -> Value) {
    self.init(name, [input]) { build($0, $1[0]) }
  }

  func graph() throws -> Graph {
    try Graph("case") { g in
      g.output("y", build(g, inputs.enumerated().map { g.input("x\($0)", $1) }))
    }
  }

  func parameters(of graph: Graph) -> Parameters {
    Parameters(
      Dictionary(
        uniqueKeysWithValues: graph.parameters.enumerated().map { index, info in
          // Variances are positive.
          (
            info.name,
            .random(info.spec.shape, in: info.name.hasSuffix("var") ? 0.5...2 : -1...1, seed: UInt64(index + 7))
          )
        }))
  }
}

extension GraphBuilder {
  fileprivate func weight(_ name: String, _ shape: Shape) -> Value {
    parameter(name, shape, initializer: .constant(0))
  }
}

extension ExportCase {
  private static func convolution(_ name: String, _ geometry: ConvolutionGeometry, bias: Bool = true) -> ExportCase {
    ExportCase("convolution \(name)") { g, x in
      let kernel = g.weight(
        "conv.weight", [4, 6 / geometry.groups, geometry.kernel.height, geometry.kernel.width])
      return x.apply(
        Convolution(geometry), named: "conv", with: bias ? [kernel, g.weight("conv.bias", [4])] : [kernel])
    }
  }

  static let convolutions: [ExportCase] = [
    convolution("3×3", .init(kernel: 3, padding: 1)),
    convolution("without bias", .init(kernel: 1), bias: false),
    convolution(
      "strided, dilated, in groups",
      .init(
        kernel: Extent2D(height: 3, width: 2), stride: Extent2D(height: 2, width: 1),
        dilation: Extent2D(height: 1, width: 3), padding: .init(top: 0, left: 1, bottom: 2, right: 3), groups: 2)),
    convolution("cropped", .init(kernel: 3, padding: .init(top: -1, left: 2, bottom: 0, right: -2))),
    ExportCase("convolution with residual and function", [[1, 5, 6, 3], [1, 5, 6, 4]]) { g, x in
      x[0].apply(
        Convolution(.init(kernel: 3, padding: 1), function: .silu, addingResidual: true), named: "conv",
        with: [g.weight("w", [4, 3, 3, 3]), x[1]])
    },
    ExportCase("transposed convolution") { g, x in
      x.apply(
        TransposedConvolution(
          .init(kernel: 3, stride: 2, padding: 1, groups: 2), outputPadding: Extent2D(height: 1, width: 0)),
        named: "up", with: [g.weight("w", [6, 2, 3, 3]), g.weight("b", [4])])
    },
    ExportCase("deformable convolution", [[1, 6, 7, 4], [1, 6, 7, 36], [1, 6, 7, 18]]) { g, x in
      x[0].apply(
        DeformableConvolution(.init(kernel: 3, padding: 1), offsetGroups: 2, modulated: true), named: "deform",
        with: [g.weight("w", [5, 4, 3, 3]), x[1], x[2], g.weight("b", [5])])
    },
  ]

  static let poolings: [ExportCase] =
    [
      ExportCase("max pool") { _, x in x.apply(MaxPool(.init(kernel: 3, stride: 2, padding: 1)), named: "pool") },
      ExportCase("max pool rounding up") { _, x in
        x.apply(MaxPool(.init(kernel: 2, stride: 2), roundingUp: true), named: "pool")
      },
      ExportCase("max pool whose last window would begin in the padding", [1, 3, 5, 2]) { _, x in
        x.apply(MaxPool(.init(kernel: 2, stride: 2, padding: 1), roundingUp: true), named: "pool")
      },
      ExportCase("max unpool") { g, x in
        let pooled = g.add(
          MaxPool(.init(kernel: 2, stride: 2), givesIndices: true), named: "pool", to: [x], outputCount: 2)
        return pooled[0].map(.relu).apply(MaxUnpool(to: .like), named: "unpool", with: [pooled[1], x])
      },
      ExportCase("indices of a max pool") { g, x in
        g.add(MaxPool(.init(kernel: 2, stride: 2), givesIndices: true), named: "pool", to: [x], outputCount: 2)[1]
      },
      ExportCase("average pool") { _, x in
        x.apply(AveragePool(.init(kernel: 3, stride: 2, padding: 1)), named: "pool")
      },
      ExportCase("average pool that does not count padding") { _, x in
        x.apply(AveragePool(.init(kernel: 3, stride: 2, padding: 1), countingPadding: false), named: "pool")
      },
      ExportCase("average pool rounding up", [1, 8, 6, 3]) { _, x in
        x.apply(AveragePool(.init(kernel: 3, stride: 2, padding: 1), roundingUp: true), named: "pool")
      },
      ExportCase("average pool rounding up without padding", [1, 8, 6, 3]) { _, x in
        x.apply(AveragePool(.init(kernel: 3, stride: 2), roundingUp: true), named: "pool")
      },
      ExportCase("dilated average pool") { _, x in
        x.apply(AveragePool(.init(kernel: 2, dilation: 2)), named: "pool")
      },
      ExportCase("global mean") { _, x in x.apply(GlobalPool(.average), named: "pool") },
      ExportCase("global maximum") { _, x in x.apply(GlobalPool(.maximum), named: "pool") },
    ]
    + [GlobalPool.Operation.average, .maximum].flatMap { operation in
      [Extent2D(1), Extent2D(3), Extent2D(height: 2, width: 4), Extent2D(height: 4, width: 8)].map { size in
        ExportCase("adaptive \(operation.rawValue) to \(size)", [1, 7, 12, 3]) { _, x in
          x.apply(AdaptivePool(operation, to: size), named: "pool")
        }
      }
    }

  static let resizes: [ExportCase] =
    Resize.Interpolation.allCases.flatMap { interpolation in
      Resize.Coordinates.allCases.flatMap { coordinates in
        let targets: [Resize.Target] = [
          .size(Extent2D(height: 14, width: 27)), .size(Extent2D(height: 10, width: 5)),
          .scale(height: 1.5, width: 2, recomputingScale: false),
          .scale(height: 1.3, width: 0.7, recomputingScale: true),
        ]
        return targets.map { target in
          ExportCase("resize \(interpolation) \(coordinates) \(target)") { _, x in
            x.apply(Resize(interpolation, coordinates: coordinates, to: target), named: "resize")
          }
        }
      }
    }
    + [Resize.Interpolation.bilinear, .bicubic].map { interpolation in
      ExportCase("antialiased resize \(interpolation)", [1, 20, 15, 3]) { _, x in
        x.apply(
          Resize(interpolation, antialiasing: true, to: .size(Extent2D(height: 7, width: 6))), named: "resize")
      }
    } + [
      ExportCase("resize like", [[1, 4, 5, 3], [1, 7, 11, 2]]) { _, x in
        x[0].apply(Resize(.bilinear, to: .like), named: "resize", with: [x[1]])
      },
      // The pixel at a third of 12 / 9 is where a division by the factor rounds to another one.
      ExportCase("nearest pixels of a factor that is no float32", [1, 9, 9, 2]) { _, x in
        x.apply(Resize(.nearest, to: .size(Extent2D(height: 12, width: 21))), named: "resize")
      },
    ]

  static let normalizations: [ExportCase] = [
    ExportCase("batch norm") { g, x in
      x.apply(
        BatchNorm(epsilon: 1e-3, function: .relu), named: "bn",
        with: ["weight", "bias", "mean", "var"].map { g.weight($0, [6]) })
    },
    ExportCase("batch norm of tokens", [1, 5, 6]) { g, x in
      x.apply(BatchNorm(), named: "bn", with: ["weight", "bias", "mean", "var"].map { g.weight($0, [6]) })
    },
    ExportCase("layer norm") { g, x in
      x.apply(LayerNorm(epsilon: 1e-6), named: "ln", with: [g.weight("weight", [6]), g.weight("bias", [6])])
    },
    ExportCase("layer norm without parameters", [1, 5, 8]) { _, x in x.apply(LayerNorm(), named: "ln") },
    ExportCase("group norm") { g, x in
      x.apply(GroupNorm(groups: 3), named: "gn", with: [g.weight("weight", [6]), g.weight("bias", [6])])
    },
    ExportCase("instance norm") { g, x in
      x.apply(InstanceNorm(), named: "norm", with: [g.weight("weight", [6]), g.weight("bias", [6])])
    },
    ExportCase("instance norm without parameters") { _, x in x.apply(InstanceNorm(), named: "norm") },
  ]

  static let functions: [ElementwiseFunction] = [
    .relu, .relu6, .clip(low: -.infinity, high: 0.5), .clip(low: -0.25, high: .infinity), .leakyReLU(slope: 0.1),
    .elu(alpha: 0.7), .gelu, .geluTanh, .silu, .hardSigmoid(slope: 1 / 6, offset: 0.5), .hardSwish, .sigmoid, .tanh,
    .softplus(beta: 1, threshold: 20), .softplus(beta: 2, threshold: 0.5), .exp, .abs, .negate, .erf,
    .quantize(step: 0.25, low: -2, high: 3),
  ]

  static let elementwise: [ExportCase] =
    functions.map { function in ExportCase("\(function)") { _, x in x.map(function) } }
    + [ElementwiseFunction.log, .sqrt, .reciprocal].map { function in
      ExportCase("\(function)") { _, x in (x.map(.abs) + 0.5).map(function) }
    }
    + [BinaryOperation.add, .subtract, .multiply, .divide, .maximum, .minimum].flatMap { operation in
      [[6], [1, 1, 1, 6], [9, 6], [9, 1], [1], []].map { shape in
        ExportCase("\(operation) with \(shape)") { g, x in
          x.combine(operation, g.weight("p", Shape(shape)).map(.exp))
        }
      }
    } + [
      ExportCase("power") { _, x in (x.map(.abs) + 0.5).power(1.5) },
      ExportCase("a number less a map") { _, x in 1 - x },
      ExportCase("a sum with a pooled map", [1, 5, 6, 4]) { _, x in
        x * x.apply(GlobalPool(.average), named: "pool").map(.sigmoid)
      },
      ExportCase("PReLU") { g, x in x.apply(PReLU(), named: "prelu", with: [g.weight("slope", [6])]) },
      ExportCase("PReLU of one slope") { g, x in x.apply(PReLU(), named: "prelu", with: [g.weight("slope", [1])]) },
      ExportCase("PReLU of tokens", [1, 5, 6]) { g, x in
        x.apply(PReLU(), named: "prelu", with: [g.weight("slope", [6])])
      },
      ExportCase("threshold") { g, x in
        x.threshold(at: g.constant(Tensor([1], [Float(0.1)])))
      },
      ExportCase("dropout and identity") { _, x in
        x.map(.relu).apply(Dropout(rate: 0.5), named: "drop").apply(Identity(), named: "same")
      },
      ExportCase("an input that is the output") { _, x in x },
    ]

  static let products: [ExportCase] = [
    ExportCase("linear layer of a map") { g, x in
      x.map(.relu).apply(Linear(function: .gelu), named: "fc", with: [g.weight("w", [5, 6]), g.weight("b", [5])])
    },
    ExportCase("linear layer of tokens", [1, 7, 6]) { g, x in
      x.apply(Linear(), named: "fc", with: [g.weight("w", [5, 6]), g.weight("b", [5])])
    },
    ExportCase("linear layer of tokens with residual", [[1, 7, 6], [1, 7, 5]]) { g, x in
      x[0].apply(Linear(addingResidual: true), named: "fc", with: [g.weight("w", [5, 6]), x[1]])
    },
    ExportCase("linear layer of rows", [1, 6]) { g, x in
      x.apply(Linear(), named: "fc", with: [g.weight("w", [5, 6]), g.weight("b", [5])])
    },
    ExportCase("matrix product", [[1, 3, 4, 5], [1, 3, 5, 6]]) { _, x in
      x[0].apply(MatMul(), named: "product", with: [x[1]])
    },
    ExportCase("transposed matrix product", [[1, 4, 5], [1, 6, 4]]) { _, x in
      x[0].apply(MatMul(transposingA: true, transposingB: true), named: "product", with: [x[1]])
    },
    ExportCase("attention", [[1, 7, 12], [1, 5, 12], [1, 5, 8]]) { _, x in
      x[0].apply(Attention(heads: 4), named: "attention", with: [x[1], x[2]])
    },
    ExportCase("attention with a mask", [1, 7, 12]) { g, x in
      x.apply(Attention(heads: 3, scale: 0.2), named: "attention", with: [x, x, g.weight("mask", [7, 7])])
    },
  ]

  static let movements: [ExportCase] = [
    ExportCase("concatenation of channels", [[1, 5, 6, 3], [1, 5, 6, 2]]) { _, x in
      x[0].apply(Concat(), named: "cat", with: [x[1], x[0]])
    },
    ExportCase("concatenation of rows", [[1, 5, 6, 3], [1, 2, 6, 3]]) { _, x in
      x[0].apply(Concat(axis: 1), named: "cat", with: [x[1]])
    },
    ExportCase("split") { g, x in
      let parts = g.add(Split(.sizes([1, 3, 2])), named: "split", to: [x], outputCount: 3)
      return parts[2].apply(Concat(), named: "cat", with: [parts[0]])
    },
    ExportCase("slice") { _, x in
      x.apply(
        Slice([.init(axis: 1, from: 1, to: -1, step: 2), .init(axis: -1, from: nil, to: 0, step: -2)]), named: "slice")
    },
    ExportCase("padding by a number") { _, x in
      x.apply(
        Pad([.init(axis: 1, before: 2, after: -1), .init(axis: 3, before: 0, after: 2)], mode: .constant(0.5)),
        named: "pad")
    },
    ExportCase("reflected padding") { _, x in
      x.apply(
        Pad([.init(axis: 1, before: 2, after: 1), .init(axis: 2, before: 0, after: 3)], mode: .reflect), named: "pad")
    },
    ExportCase("edge padding") { _, x in
      x.apply(
        Pad([.init(axis: 1, before: 2, after: 1), .init(axis: 2, before: 0, after: 3)], mode: .edge), named: "pad")
    },
    ExportCase("padding like a map", [[1, 4, 5, 3], [1, 7, 6, 2]]) { _, x in
      x[0].apply(PadLike(), named: "pad", with: [x[1]])
    },
    ExportCase("crop from the middle", [[1, 8, 7, 3], [1, 5, 4, 2]]) { _, x in
      x[0].apply(CropLike(), named: "crop", with: [x[1]])
    },
    ExportCase("crop from the top left", [[1, 8, 7, 3], [1, 5, 4, 2]]) { _, x in
      x[0].apply(CropLike(anchor: .topLeft), named: "crop", with: [x[1]])
    },
    ExportCase("transposition") { _, x in x.map(.relu).apply(Transpose([0, 2, 1, 3]), named: "transpose") },
    ExportCase("transposition to channels first, and what is computed there") { _, x in
      x.map(.relu).apply(Transpose([0, 3, 1, 2]), named: "transpose").apply(Softmax(axis: 1), named: "softmax")
    },
    ExportCase("reshape") { _, x in x.reshape([0, 9, 14, -1]).map(.relu) },
    ExportCase("tokens and back") { g, x in
      x.apply(Reshape(to: .flattening(from: 1, to: 2)), named: "tokens").map(.relu)
        .apply(Reshape(to: .mapLike), named: "map", with: [x])
    },
    ExportCase("broadcast to a shape", [1, 1, 1, 4]) { _, x in
      x.apply(Broadcast(to: .shape([-1, 3, 5, -1])), named: "broadcast")
    },
    ExportCase("broadcast to a map", [[1, 1, 1, 4], [1, 3, 5, 2]]) { _, x in
      x[0].apply(Broadcast(to: .spatialLike), named: "broadcast", with: [x[1]])
    },
    ExportCase("broadcast to a batch", [1, 3, 5]) { g, x in
      g.weight("token", [1, 1, 5]).apply(Broadcast(to: .batchLike), named: "broadcast", with: [x])
        .apply(Concat(axis: 1), named: "cat", with: [x])
    },
    ExportCase("broadcast of channels", [[1, 3, 5, 4]]) { g, x in
      g.weight("p", [4]).apply(Broadcast(to: .like), named: "broadcast", with: [x[0]])
    },
    ExportCase("pixel shuffle", [1, 3, 4, 12]) { _, x in x.apply(PixelShuffle(2), named: "shuffle") },
    ExportCase("pixel unshuffle", [1, 6, 4, 3]) { _, x in x.apply(PixelUnshuffle(2), named: "unshuffle") },
  ]

  static let reductions: [ExportCase] =
    Reduce.Operation.allCases.flatMap { operation in
      [true, false].map { keeps in
        ExportCase("\(operation.rawValue), axes kept \(keeps)") { _, x in
          x.apply(Reduce(operation, axes: [1, -1], keepsAxes: keeps), named: "reduce")
        }
      }
    } + [
      ExportCase("mean of everything but the batch") { _, x in
        x.apply(Reduce(.mean, axes: [1, 2, 3], keepsAxes: false), named: "reduce")
      },
      ExportCase("label map") { _, x in x.argmax() },
      ExportCase("largest row") { _, x in
        x.apply(ArgMax(axis: 1, keepsAxis: true, elementType: .int32), named: "argmax")
      },
      ExportCase("softmax") { _, x in x.apply(Softmax(), named: "softmax") },
      ExportCase("logarithm of softmax") { _, x in x.apply(Softmax(axis: 2, logarithm: true), named: "softmax") },
    ]
}

/// Graphs that are written as ONNX files and read again. The nodes themselves are held against ONNX Runtime by `make parity-export`.
@Suite struct ExportTests {
  /// Sums are formed in another order. The error is in proportion to the largest number.
  static let tolerance: Float = 1e-5

  @Test(
    arguments: ExportCase.convolutions + ExportCase.poolings + ExportCase.resizes + ExportCase.normalizations
      + ExportCase.elementwise + ExportCase.products + ExportCase.movements + ExportCase.reductions)
  func comesBackAsItWas(_ test: ExportCase) throws {
    let graph = try test.graph()
    let parameters = test.parameters(of: graph)
    let file = try imported(graph, parameters)
    // The batch is left open: two images are more than the graph was built for.
    for batch in [1, 2] {
      let inputs = Dictionary(
        uniqueKeysWithValues: test.inputs.enumerated().map {
          ("x\($0)", Tensor.random($1.replacing(axis: 0, with: batch), seed: UInt64($0 + batch)))
        })
      let expected = try #require(
        try Model(graph, parameters: parameters, on: ReferenceBackend(), options: CompileOptions(optimizes: false)).run(
          inputs)[
            "y"])
      let actual = try #require(try Model(file, channelsLast: true).run(inputs)["y"])
      #expect(actual.shape == expected.shape)
      try store(test, graph, parameters, inputs, expected)
      guard expected.elementType == .float32 else {
        #expect(NaiveTensor(actual).values == NaiveTensor(expected).values)
        continue
      }
      let largest = expected.elements(of: Float.self).map(abs).max() ?? 0
      let difference = zip(actual.elements(of: Float.self), expected.elements(of: Float.self)).map { abs($0 - $1) }
        .max()
      #expect(try #require(difference) <= Self.tolerance * largest, "batch \(batch)")
    }
  }

  /// Writes the file with inputs and output to the folder `SEG_EXPORTS`, if there is one, for Tests/Parity/export.py.
  private func store(
    _ test: ExportCase, _ graph: Graph, _ parameters: Parameters, _ inputs: [String: Tensor], _ output: Tensor
  ) throws {
    guard let folder = ProcessInfo.processInfo.environment["SEG_EXPORTS"] else { return }
    let name =
      folder + "/" + test.testDescription.map { $0.isLetter || $0.isNumber ? $0 : "_" }
      + "-\(inputs["x0"]?.shape[0] ?? 0)"
    try graph.writeONNX(to: name + ".onnx", parameters: parameters)
    let arrays = inputs.merging(["y": output]) { first, _ in first }
    try NPZ(arrays.mapValues { $0.shape.rank == 4 ? $0.transposed([0, 3, 1, 2]) : $0 }).write(to: name + ".npz")
  }

  private func imported(_ graph: Graph, _ parameters: Parameters = .init()) throws -> ONNXModel {
    try ONNXModel(
      FileBytes(ONNXFile(graph, parameters: parameters, opensBatch: true).bytes()), named: "model.onnx")
  }

  private func message(_ graph: Graph, _ parameters: Parameters) throws -> Onnx_ModelProto {
    try Onnx_ModelProto(
      serializedBytes: Data(ONNXFile(graph, parameters: parameters, opensBatch: true).bytes()))
  }

  /// What is written, message by message.
  @Test func theFileIsWhatTheGraphIs() throws {
    let graph = try Graph("small") { g in
      let x = g.input("image", [1, 8, 6, 3])
      let map = x.apply(
        Convolution(.init(kernel: 3, stride: 2, padding: 1)), named: "stem.conv",
        with: [g.weight("stem.conv.weight", [4, 3, 3, 3]), g.weight("stem.conv.bias", [4])])
      g.output("logits", map.map(.relu, named: "stem.relu"))
    }
    let parameters = Parameters([
      "stem.conv.weight": .counting([4, 3, 3, 3], of: .float32), "stem.conv.bias": .counting([4], of: .float32),
    ])
    let model = try message(graph, parameters)
    #expect(model.irVersion == 8)
    #expect(model.producerName == "swift-segmentation")
    #expect(model.producerVersion == "0.1.0")
    #expect(model.opsetImport.map(\.version) == [17] && model.opsetImport.map(\.domain) == [""])
    #expect(model.graph.name == "small")
    #expect(model.graph.node.map(\.opType) == ["Conv", "Relu"])
    #expect(model.graph.node.map(\.name) == ["stem.conv", "stem.relu"])
    #expect(model.graph.node[0].input == ["image", "stem.conv.weight", "stem.conv.bias"])
    #expect(model.graph.node[0].output == ["stem.conv"])
    #expect(model.graph.node[1].input == ["stem.conv"])
    #expect(model.graph.node[1].output == ["logits"])
    let attributes = Dictionary(uniqueKeysWithValues: model.graph.node[0].attribute.map { ($0.name, $0) })
    #expect(attributes.keys.sorted() == ["dilations", "group", "kernel_shape", "pads", "strides"])
    #expect(attributes["pads"]?.ints == [1, 1, 1, 1] && attributes["pads"]?.type == 7)
    #expect(attributes["group"]?.i == 1 && attributes["group"]?.type == 2)
    #expect(model.graph.initializer.map(\.name) == ["stem.conv.weight", "stem.conv.bias"])
    #expect(model.graph.initializer.map(\.dims) == [[4, 3, 3, 3], [4]])
    #expect(model.graph.initializer.map(\.dataType) == [1, 1])
    #expect(Array(model.graph.initializer[1].rawData) == [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64])
    func extents(_ port: Onnx_ValueInfoProto) -> [String] {
      port.type.tensorType.shape.dim.map { $0.hasDimValue ? "\($0.dimValue)" : $0.dimParam }
    }
    #expect(model.graph.input.map(\.name) == ["image"])
    #expect(extents(model.graph.input[0]) == ["batch", "3", "8", "6"])
    #expect(model.graph.output.map(\.name) == ["logits"])
    #expect(extents(model.graph.output[0]) == ["batch", "4", "4", "3"])
  }

  /// A convolutional network has no transposition, however its maps are joined.
  @Test func mapsAreNotTransposed() throws {
    let graph = try UNet().graph(size: 32)
    let model = try message(graph, Parameters(initializing: graph, seed: 1))
    #expect(!model.graph.node.contains { $0.opType == "Transpose" })
    #expect(Set(graph.parameters.map(\.name)).isSubset(of: model.graph.initializer.map(\.name)))
    // Padding to the size that a map has is no node.
    let written = graph.nodes.filter { !($0.operator is PadLike) }.map(\.name)
    #expect(Set(model.graph.node.map(\.name)).isSuperset(of: written))
  }

  /// Transpositions to channels first and back are names of axes, and leave no node.
  @Test func transpositionsThatCancelAreNotWritten() throws {
    let graph = try Graph("cancelling") { g in
      let x = g.input("x", [1, 5, 4, 3])
      let turned = x.map(.relu).apply(Transpose([0, 3, 1, 2]), named: "first")
      g.output("y", turned.map(.sigmoid).apply(Transpose([0, 2, 3, 1]), named: "last").map(.tanh))
    }
    #expect(try message(graph, .init()).graph.node.map(\.opType) == ["Relu", "Sigmoid", "Tanh"])
  }

  @Test func operatorsThatNeedItRaiseTheOperatorSet() throws {
    let deformable = try #require(ExportCase.convolutions.last).graph()
    let model = try message(deformable, #require(ExportCase.convolutions.last).parameters(of: deformable))
    #expect(model.opsetImport.map(\.version) == [19])
    #expect(model.irVersion == 9)
  }

  @Test func aFixedBatchIsTheGraphs() throws {
    let graph = try Graph("fixed") { g in g.output("y", g.input("x", [2, 5, 4, 3]).map(.relu)) }
    let file = try ONNXModel(
      FileBytes(ONNXFile(graph, parameters: .init(), opensBatch: false).bytes()), named: "model.onnx")
    #expect(file.inputs[0].shape == [2, 3, 5, 4])
    #expect(try imported(graph).inputs[0].shape == [nil, 3, 5, 4])
    // A shape that names the batch fits no other.
    let reshaping = try Graph("reshaping") { g in
      g.output("y", g.input("x", [1, 5, 4, 3]).reshape([1, 20, 3]).map(.relu))
    }
    #expect(try imported(reshaping).inputs[0].shape == [1, 3, 5, 4])
  }

  @Test func whatCannotBeWrittenIsNamed() throws {
    func error(_ graph: Graph, _ parameters: Parameters = .init()) -> String {
      do {
        _ = try ONNXFile(graph, parameters: parameters, opensBatch: true)
        return "none"
      } catch {
        return error.description
      }
    }
    let sum = try Graph("sum") { g in
      let x = g.input("x", [1, 2, 2, 1])
      g.output("y", x.apply(IntegerSum(), named: "total", with: [x]))
    }
    #expect(error(sum) == "IntegerSum at total cannot be written to an ONNX file: the operator has no equivalent")
    let unpooling = try Graph("unpooling") { g in
      let indices = g.input("indices", [1, 2, 2, 1], of: .int32)
      g.output(
        "y",
        g.input("x", [1, 2, 2, 1]).apply(
          MaxUnpool(to: .size(Extent2D(4))), named: "up", with: [indices]))
    }
    #expect(error(unpooling).hasPrefix("MaxUnpool at up cannot be written to an ONNX file: its indices"))
    let counting = try Graph("counting") { g in
      let count = g.variable("count", initially: Tensor(scalar: Float(0)))
      g.update(count, to: count + 1)
      g.output("y", g.input("x", [1]) + count)
    }
    #expect(error(counting).contains("variables (count)"))
    let twice = try Graph("twice") { g in g.output("x", g.input("x", [1]).map(.relu)) }
    #expect(error(twice).hasPrefix("x is the name of two"))
    let weighted = try Graph("weighted") { g in g.output("y", g.input("x", [1, 3]) * g.weight("scale", [3])) }
    #expect(error(weighted).contains("missing scale"))
    #expect(throws: ONNXExportError.self) {
      try sum.writeONNX(to: "/nowhere/net.onnx")
    }
    #expect {
      try Graph("id") { g in g.output("y", g.input("x", [1]).map(.relu)) }.writeONNX(to: "/nowhere/net.onnx")
    } throws: {
      if case ONNXExportError.file(let error) = $0 { error.path == "/nowhere/net.onnx" } else { false }
    }
  }

  /// Only what outputs need is written.
  @Test func nodesThatNothingReadsAreLeftOut() throws {
    let graph = try Graph("unread") { g in
      let x = g.input("x", [1, 3])
      _ = x.apply(IntegerSum(), named: "unread", with: [x])
      g.output("y", x.map(.relu))
      g.output("again", x.map(.relu))
      g.output("same", x)
    }
    #expect(try message(graph, .init()).graph.node.map(\.opType) == ["Relu", "Relu", "Identity"])
  }

  @Test func weightsMayBeAFileOfTheirOwn() throws {
    try withTemporaryFolder { folder in
      let graph = try UNet().graph(size: 32)
      let parameters = Parameters(initializing: graph, seed: 3)
      try graph.writeONNX(to: folder + "/net.onnx", parameters: parameters, externalData: true)
      #expect(try names(in: folder) == ["net.onnx", "net.onnx.data"])
      #expect(try bytes(folder + "/net.onnx").count < 200_000)
      try graph.writeONNX(to: folder + "/whole.onnx", parameters: parameters)
      let inputs = ["image": Tensor.random([1, 32, 32, 3])]
      let outputs = try ["net.onnx", "whole.onnx"].map { name in
        try Model(ONNXModel(contentsOf: folder + "/" + name), channelsLast: true).run(inputs)["logits"]
      }
      #expect(outputs[0] == outputs[1])
      let large = try #require(graph.parameters.max { $0.spec.byteCount < $1.spec.byteCount })
      let read = try ONNXModel(contentsOf: folder + "/net.onnx").graph.initializers[large.name]
      #expect(read?.tensor == parameters[large.name])
    }
  }

  private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
