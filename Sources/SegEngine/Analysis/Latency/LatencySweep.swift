#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The small networks that a latency calibration times: layers of every kind with random shapes.
///
/// Maps have 3, 11, 19 … rows and 5, 13, 21 … columns. Networks of the zoo do not have such sizes for usual images, so
/// the zoo is a test set of layers that were not timed.
enum LatencySweep {
  /// A network, and the algorithm for its convolutions where it applies.
  struct Network: Sendable {
    let graph: Graph
    var algorithm: String?
  }

  /// The maximum multiply–adds of a layer. Beyond it time is proportional to work and need not be measured.
  private static let mostMACs = 0.7e9
  /// The maximum elements of a map.
  private static let mostElements = 12e6

  /// The networks of a seed. Kinds alternate, so that a change of the clock frequency does not affect one kind only.
  static func networks(seed: UInt64) throws -> [Network] {
    var drawer = Drawer(seed: seed)
    var networks: [Network] = []
    for method in ConvolutionAlgorithms.all {
      // More networks for the algorithms that are used most.
      for _ in 0..<(method.isFrequent ? 26 : 13) {
        networks.append(Network(graph: try convolutions(method, &drawer), algorithm: method.name))
      }
    }
    for _ in 0..<10 { networks.append(Network(graph: try stem(&drawer))) }
    for _ in 0..<48 { networks.append(Network(graph: try invertedResidual(&drawer))) }
    for _ in 0..<12 { networks.append(Network(graph: try transformer(&drawer))) }
    for _ in 0..<130 { networks.append(Network(graph: try mixed(&drawer))) }
    networks.shuffle(using: &drawer.generator)
    return networks
  }

  // MARK: Convolutions

  /// Two successive convolutions of a geometry that an algorithm supports.
  private static func convolutions(_ method: ConvolutionMethod, _ drawer: inout Drawer) throws -> Graph {
    let (isTransposed, isWinograd) = (method.kind.isTransposed, method.kind.isWinograd)
    let isDepthwise = method.kind == .depthwise || method.kind == .transposedDepthwise
    var canShrink = true
    let geometry: ConvolutionGeometry
    var extent = drawer.extent(from: 11, to: isTransposed ? 131 : 261)
    switch method.kind {
    case .pointwise: geometry = ConvolutionGeometry(kernel: 1)
    case .depthwise:
      let kernel = drawer.one(of: [3, 3, 5, 7])
      let stride = drawer.one(of: [1, 1, 2])
      geometry = drawer.same(kernel, stride: stride, dilation: stride == 1 ? drawer.one(of: [1, 1, 2, 4]) : 1)
    case .isolated(let most):
      // The dilation is chosen so that its phases have few pixels. Shrinking the map would change them.
      canShrink = false
      extent = drawer.extent(from: 11, to: 67)
      geometry = drawer.same(3, dilation: (max(extent.height, extent.width) + most - 1) / most)
    case .transposedBlocks:
      let factor = drawer.one(of: [2, 2, 4])
      geometry = ConvolutionGeometry(kernel: Extent2D(factor), stride: Extent2D(factor))
    case .transposed, .transposedDepthwise:
      let (kernel, stride, padding) = drawer.one(of: [(4, 2, 1), (3, 2, 1), (16, 8, 4)])
      geometry = ConvolutionGeometry(kernel: Extent2D(kernel), stride: Extent2D(stride), padding: Padding2D(padding))
    case .transposedWinograd:
      geometry = ConvolutionGeometry(kernel: 4, stride: 2, padding: 1)
    case .winograd: geometry = drawer.same(3, dilation: drawer.one(of: [1, 1, 1, 2, 4, 6, 12]))
    case .general:
      let (kernel, stride) = drawer.one(of: [(3, 1), (3, 1), (3, 2), (3, 2), (5, 1), (1, 2), (7, 2)])
      geometry = drawer.same(kernel, stride: stride, dilation: stride == 1 ? drawer.one(of: [1, 1, 6, 18]) : 1)
    }
    let kernelArea = Double(geometry.kernel.height * geometry.kernel.width)
    let strideArea = isTransposed ? 1 : Double(geometry.stride.height * geometry.stride.width)
    let growth = isTransposed ? Double(geometry.stride.height * geometry.stride.width) : 1
    var inputs = drawer.channels(from: isWinograd ? 16 : 8, to: isDepthwise || geometry.kernel == 1 ? 2048 : 1024)
    var outputs =
      isDepthwise ? inputs : drawer.channels(from: isWinograd ? 16 : 8, to: geometry.kernel == 1 ? 2048 : 1024)
    func isTooMuch() -> Bool {
      let pixels = Double(extent.height * extent.width)
      let macs = pixels / strideArea * kernelArea * Double(isDepthwise ? inputs : inputs * outputs)
      return macs > mostMACs || pixels * growth * Double(max(inputs, outputs)) > mostElements
    }
    while isTooMuch() {
      // Reduce either pixels or channels.
      if drawer.one(of: [true, false]), extent.height > 19, canShrink {
        extent = drawer.extent(from: 11, to: extent.height)
      } else {
        inputs = max(16, inputs / 16 * 8)
        outputs = isDepthwise ? inputs : max(16, outputs / 16 * 8)
      }
    }
    if method.dividesChannels {
      // The halved channels must fill whole panels on every instruction set.
      inputs = (inputs + 127) / 128 * 128
      outputs = (outputs + 127) / 128 * 128
    }
    let function = drawer.function()
    let addsResidual = drawer.one(of: [false, false, true])
    return try graph { g in
      let x = g.input("x", [1, extent.height, extent.width, inputs])
      func layer(_ x: Value, _ name: String, _ outputs: Int) -> Value {
        if isTransposed {
          return x.transposedConv(
            name, outputs, kernel: geometry.kernel, stride: geometry.stride, padding: geometry.padding,
            groups: isDepthwise ? x.channels : 1)
        }
        return x.conv(
          name, outputs, kernel: geometry.kernel, stride: geometry.stride, padding: geometry.padding,
          dilation: geometry.dilation, groups: isDepthwise ? x.channels : 1, bias: false
        ).batchNorm(name + ".bn")
      }
      // As in a network, the first convolution reads the output of another step.
      let first = layer(x.map(.relu), "first", outputs).map(function)
      guard !isTransposed else { return first }
      let second = layer(first, "second", isDepthwise ? outputs : inputs)
      return addsResidual && second.shape == x.shape ? (second + x).relu() : second.map(function)
    }
  }

  /// The first convolution of a network: from an image to few channels.
  private static func stem(_ drawer: inout Drawer) throws -> Graph {
    let extent = drawer.extent(from: 131, to: 517)
    let (inputs, outputs) = (drawer.one(of: [1, 3, 3]), drawer.channels(from: 8, to: 72))
    let (kernel, stride) = drawer.one(of: [(3, 2), (7, 2), (3, 1), (7, 4)])
    let function = drawer.function()
    return try graph { g in
      g.input("x", [1, extent.height, extent.width, inputs])
        .conv("stem", outputs, kernel: Extent2D(kernel), stride: Extent2D(stride), bias: false).batchNorm("bn")
        .map(function).maxPool(kernel: 3, stride: 2, padding: 1)
    }
  }

  /// A MobileNet block: 1×1, depthwise, 1×1 convolution, with an optional shortcut.
  private static func invertedResidual(_ drawer: inout Drawer) throws -> Graph {
    let extent = drawer.extent(from: 19, to: 261)
    let pixels = extent.height * extent.width
    // The middle map is usually large enough for the three convolutions to be fused to one step.
    let least = min(1280, max(32, 300_000 / pixels))
    let wide = drawer.channels(from: least, to: max(least, min(1280, Int(mostElements) / pixels)))
    let expansion = drawer.one(of: [1, 1, 2, 3, 4, 6])
    let narrow = max(8, wide / expansion)
    let (kernel, stride) = drawer.one(of: [(3, 1), (3, 1), (3, 2), (5, 1), (5, 2)])
    let rate = stride == 1 && expansion == 1 ? drawer.one(of: [1, 1, 2, 6, 12]) : 1
    let function = drawer.function()
    let squeezes = drawer.one(of: [false, false, false, true])
    return try graph { g in
      let x = g.input("x", [1, extent.height, extent.width, narrow]).map(.relu)
      var y = x
      if expansion > 1 {
        y = y.conv("expand", narrow * expansion, kernel: 1, bias: false).batchNorm("bn1").map(function)
      }
      y = y.conv(
        "filter", y.channels, kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(rate),
        groups: y.channels, bias: false
      ).batchNorm("bn2").map(function)
      if squeezes {
        let middle = max(8, y.channels / 4)
        y =
          y
          * y.globalAveragePool().conv("narrow", middle, kernel: 1).relu().conv("widen", y.channels, kernel: 1)
          .sigmoid()
      }
      y = y.conv("project", expansion == 1 ? max(8, narrow / 3) : narrow, kernel: 1, bias: false).batchNorm("bn3")
      return y.shape == x.shape ? y + x : y.relu()
    }
  }

  // MARK: Transformers

  /// A transformer block on tokens, with keys from all tokens or from a reduced map.
  private static func transformer(_ drawer: inout Drawer) throws -> Graph {
    let heads = drawer.one(of: [1, 2, 3, 5, 6, 8, 12])
    let width = heads * drawer.one(of: [32, 64, 64])
    let extent = drawer.extent(from: 11, to: width > 400 ? 35 : 67)
    let reduction = extent.height * extent.width > 1200 ? drawer.one(of: [3, 4]) : drawer.one(of: [1, 1, 2])
    let expansion = drawer.one(of: [2, 4, 4])
    return try graph { g in
      let map = g.input("x", [1, extent.height, extent.width, width]).map(.relu)
      let x = map.tokens()
      let normal = x.layerNorm("norm1")
      let attended: Value
      if reduction == 1 {
        let parts = normal.linear("qkv", 3 * width).split(into: 3)
        attended = parts[0].attention(keys: parts[1], values: parts[2], heads: heads)
      } else {
        let reduced = map.conv("reduce", width, kernel: Extent2D(reduction), stride: Extent2D(reduction), padding: 0)
          .tokens().layerNorm("norm0")
        let parts = reduced.linear("kv", 2 * width).split(into: 2)
        attended = normal.linear("q", width).attention(keys: parts[0], values: parts[1], heads: heads)
      }
      let y = x + attended.linear("project", width)
      return y + y.layerNorm("norm2").linear("widen", width * expansion).gelu().linear("narrow", width)
    }
  }

  // MARK: Everything else

  /// A sequence of other operators.
  private static func mixed(_ drawer: inout Drawer) throws -> Graph {
    let extent = drawer.extent(from: 11, to: 261)
    let channels = min(drawer.channels(from: 8, to: 768), max(8, 5_000_000 / (extent.height * extent.width) / 8 * 8))
    let kinds = (0..<5).map { _ in drawer.one(of: Kind.allCases) }
    let choices = kinds.map { _ in drawer.one(of: [0, 1, 2, 3]) }
    return try graph { g in
      var x = g.input("x", [1, extent.height, extent.width, channels]).map(.relu)
      for (index, kind) in kinds.enumerated() {
        let next = kind.applied(to: x, named: "op\(index)", choice: choices[index])
        // Keep maps from vanishing or growing without bound.
        if next.shape.elementCount <= Int(mostElements), next.shape.height > 6, next.shape.width > 6 { x = next }
      }
      // The last step, a ReLU, writes the graph's output, whichever operator came before.
      return x.map(.relu)
    }
  }

  /// The operators that ``mixed(_:)`` draws from.
  private enum Kind: CaseIterable {
    case function, sum, gate, bilinear, nearest, shrink, maxPool, averagePool, globalPool, gridPool, softmax, groupNorm,
      instanceNorm, layerNorm, batchNorm, prelu, shuffle, join, pad, crop, part, transpose, mean, unpool, product,
      logits, relu

    func applied(to x: Value, named name: String, choice: Int) -> Value {
      let (height, width, channels) = (x.shape.height, x.shape.width, x.channels)
      switch self {
      case .function: return x.map([.sigmoid, .gelu, .hardSwish, .silu][choice])
      case .sum: return (x + x.map(.sigmoid)).relu()
      case .gate: return x * x.globalAveragePool().sigmoid()
      case .bilinear: return x.resize(by: choice < 3 ? 2 : 4, coordinates: choice == 0 ? .halfPixel : .alignCorners)
      case .nearest: return x.resize(by: 2, .nearest)
      case .shrink: return x.resize(to: Extent2D(height: (height + 1) / 2, width: (width + 1) / 2))
      case .maxPool: return choice < 2 ? x.maxPool(kernel: 2) : x.maxPool(kernel: 3, stride: 2, padding: 1)
      case .averagePool: return x.averagePool(kernel: choice < 2 ? 2 : 3, stride: 2)
      case .globalPool: return x + x.globalAveragePool()
      case .gridPool:
        return x + x.adaptiveAveragePool(to: Extent2D([1, 2, 3, 6][choice])).resize(like: x)
      case .softmax: return x.softmax()
      case .groupNorm: return x.groupNorm(name, groups: [32, 8, 4].first { channels % $0 == 0 } ?? 1)
      case .instanceNorm: return x.instanceNorm(name)
      case .layerNorm: return x.layerNorm(name)
      case .batchNorm: return x.batchNorm(name).relu()
      case .prelu: return x.prelu(name, perChannel: choice > 0)
      case .shuffle: return channels % 4 == 0 ? x.pixelShuffle(2) : x.map(.sigmoid)
      case .join: return [x, x.map(.sigmoid), x].concatenated()
      case .pad: return x.pad(Padding2D(1 + choice))
      case .crop: return x.slice(axis: 1, from: 1, to: height - 1).slice(axis: 2, from: 1, to: width - 1)
      case .part: return x.slice(axis: 3, from: 0, to: max(1, channels / 2)).map(.sigmoid)
      case .transpose: return x.transpose([0, 2, 1, 3]).map(.sigmoid)
      case .mean: return x * x.mean(axes: [3]).sigmoid()
      case .unpool:
        let pooled = x.maxPoolWithIndices(kernel: 2)
        return pooled.values.maxUnpool(pooled.indices, like: x)
      case .product:
        let tokens = x.resize(to: 23).tokens()
        return x * tokens.matmul(tokens, transposingB: true).mean(axes: [1, 2]).reshape([1, 1, 1, 1])
      case .logits:
        return x.conv(name, [2, 19, 21, 21][choice], kernel: 1)
          .resize(by: [2, 4, 8, 4][choice], coordinates: choice < 2 ? .halfPixel : .alignCorners)
      case .relu: return (x - 0.25).map([.relu, .sigmoid, .relu, .tanh][choice])
      }
    }
  }

  private static func graph(_ body: (GraphBuilder) -> Value) throws -> Graph {
    try Graph("sweep") { g in g.output("y", body(g)) }
  }
}

/// A seeded generator of shapes.
private struct Drawer {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func one<Element>(of elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &generator)]
  }

  /// A log-uniform random number in a range: each octave is equally likely.
  mutating func number(from low: Int, to high: Int) -> Int {
    guard high > low else { return low }
    return Int(Double(low) * exp(Double.random(in: 0...1, using: &generator) * log(Double(high) / Double(low))))
  }

  /// A random extent with height 8 n + 3 and width 8 n + 5.
  mutating func extent(from low: Int, to high: Int) -> Extent2D {
    let side = number(from: low, to: high)
    let other = max(low, min(high, side * one(of: [3, 4, 4, 5]) / 4))
    return Extent2D(height: side / 8 * 8 + 3, width: other / 8 * 8 + 5)
  }

  /// A random number of channels, usually a multiple of 8.
  mutating func channels(from low: Int, to high: Int) -> Int {
    let count = number(from: low, to: high)
    return max(low, one(of: [true, true, true, false]) ? count / 8 * 8 : count)
  }

  mutating func function() -> ElementwiseFunction { one(of: [.relu, .relu, .relu, .relu6, .hardSwish, .silu]) }

  func same(_ kernel: Int, stride: Int = 1, dilation: Int = 1) -> ConvolutionGeometry {
    ConvolutionGeometry(
      kernel: Extent2D(kernel), stride: Extent2D(stride), dilation: Extent2D(dilation),
      padding: Padding2D(dilation * (kernel - 1) / 2))
  }
}
