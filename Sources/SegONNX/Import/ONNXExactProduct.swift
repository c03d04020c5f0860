import SegEngine

/// Products and convolutions of whole numbers that are stored as float32.
///
/// A float32 sum of whole numbers is exact, in any order, while no partial sum exceeds 2²⁴. The weights' positive and negative parts bound
/// all partial sums. Where the bound is too large, the sum is cut into parts that are exact by themselves and added in Double
/// (`IntegerSum`), so that the result is the sum of the integers, rounded once to float32.
struct ONNXExactProduct {
  let step: ONNXStep

  /// A sum of products of whole numbers.
  struct Sum {
    /// The sum as float32, rounded once.
    let value: ONNXValue
    /// The sum as int32, where float32 may not hold it; `nil` where it does.
    var integers: ONNXValue?
  }

  /// The largest magnitude up to which float32 holds every whole number.
  private static let limit = 0x1p24

  /// The range of the numbers of an input, less its zero point.
  struct Range {
    let low, high: Double

    /// Makes the range of an integer type less a zero point, which may be unknown.
    init(_ type: ONNXElement, zero: ONNXValue?) throws(ONNXFailure) {
      guard let range = ONNXIntegerRange(type) else { throw ONNXFailure("products of \(type) are not supported") }
      let known = zero?.known?.floats
      let least = zero == nil ? 0 : known?.min() ?? range.low
      let largest = zero == nil ? 0 : known?.max() ?? range.high
      (low, high) = (Double(range.low - largest), Double(range.high - least))
    }

    var magnitude: Double { max(-low, high) }
  }

  /// The largest partial sums, over all rows, of the products of weights `[rows, …]` at some places of a row with numbers of a range.
  private static func bound(_ weights: [Float], rows: Int, places: Swift.Range<Int>, _ range: Range) -> Double {
    let depth = weights.count / max(1, rows)
    var worst = 0.0
    for row in 0..<rows {
      var (positive, negative) = (0.0, 0.0)
      for place in places {
        let weight = Double(weights[row * depth + place])
        positive += max(weight * range.low, weight * range.high, 0)
        negative -= min(weight * range.low, weight * range.high, 0)
      }
      worst = max(worst, positive, negative)
    }
    return worst
  }

  /// Cuts the input channels of weights `[outputs, channels, taps]` into runs whose sums are exact.
  private static func runs(
    _ weights: [Float], outputs: Int, channels: Int, taps: Int, _ range: Range
  ) -> [Swift.Range<Int>] {
    func fits(_ run: Swift.Range<Int>) -> Bool {
      bound(weights, rows: outputs, places: run.lowerBound * taps..<run.upperBound * taps, range) <= limit
    }
    var parts = 1
    while parts < channels {
      let runs = (0..<parts).map { $0 * channels / parts..<($0 + 1) * channels / parts }
      if runs.allSatisfy(fits) { return runs }
      parts += 1
    }
    return (0..<channels).map { $0..<$0 + 1 }
  }

  /// Returns the weights of a run of input channels. With groups, a run of channels within each group is no
  /// contiguous range of the input's channels, so the weights keep their shape and those of the other channels are set to zero.
  private static func part(
    _ run: Swift.Range<Int>, of weights: [Float], _ shape: Shape, groups: Int
  ) -> ONNXConstant {
    let taps = shape.elementCount / (shape[0] * shape[1])
    func isPart(_ index: Int) -> Bool { run.contains(index / taps % shape[1]) }
    if groups > 1 {
      return ONNXConstant(.float, shape, floats: weights.enumerated().map { isPart($0.offset) ? $0.element : 0 })
    }
    return ONNXConstant(
      .float, shape.replacing(axis: 1, with: run.count),
      floats: weights.enumerated().filter { isPart($0.offset) }.map(\.element))
  }

  /// Returns a run of the channels of a map, whose last axis they are.
  private func channels(_ run: Swift.Range<Int>, of map: Value) -> Value {
    map.apply(
      Slice([.init(axis: map.shape.rank - 1, from: run.lowerBound, to: run.upperBound)]),
      named: step.node.name + ".channels")
  }

  private func joined(_ parts: [Value], _ elementType: ElementType = .float32) -> Value {
    if parts.count == 1, elementType == .float32 { return parts[0] }
    return parts[0].apply(
      IntegerSum(elementType: elementType), named: step.node.name + ".sum", with: Array(parts.dropFirst()))
  }

  // MARK: Convolution

  /// Returns the convolution of a map with weights, both whole numbers as float32; the bias is too.
  ///
  /// - Parameters:
  ///   - x: The map `[N, C, …]` in the file's axes.
  ///   - range: The range of its numbers.
  func convolution(
    _ x: ONNXValue, _ range: Range, _ weights: ONNXValue, bias: ONNXValue?, attributes: ONNXAttributes
  ) throws -> Sum {
    let inner = step.derived("Conv", [x, weights, bias], attributes: attributes.values)
    guard let window = try ONNXWindow(inner) else { throw ONNXFailure("a map of \(x.dimensions) is not supported") }
    if ONNXVolume(window) != nil { return try volume(x, range, weights, bias: bias, attributes: attributes) }
    let geometry = try window.geometry(groups: try window.groups())
    let map = try window.map()
    let others = try bias.map { [importer.arranged(try flat($0))] } ?? []
    let exact = Convolution(geometry, exactly: true)
    // The same holds for weights that the network computes.
    guard let known = weights.known, known.shape.rank >= 3, known.shape.elementCount > 0 else {
      return Sum(value: window.result(inner.apply(exact, map, [try window.weights(weights)] + others)))
    }
    let (outputs, channels) = (known.shape[0], known.shape[1])
    let taps = known.shape.elementCount / (outputs * channels)
    let values = known.floats
    let runs = ONNXExactProduct.runs(values, outputs: outputs, channels: channels, taps: taps, range)
    // The bias is added to the sum where that stays exact, else afterwards: one rounding of a number beyond 2²⁴.
    let addend = bias?.known?.floats.map { Double($0.magnitude) }.max()
    let isBounded =
      addend != nil && runs.count == 1
      && addend! + ONNXExactProduct.bound(values, rows: outputs, places: 0..<channels * taps, range)
        <= ONNXExactProduct.limit
    if runs.count == 1 {
      let sum = inner.apply(exact, map, [try window.weights(weights)] + (isBounded ? others : []))
      return Sum(value: window.result(isBounded || others.isEmpty ? sum : sum + others[0]))
    }
    var parts: [Value] = []
    for run in runs {
      let part = ONNXExactProduct.part(run, of: values, known.shape, groups: geometry.groups)
      let read = geometry.groups == 1 ? self.channels(run, of: map) : map
      parts.append(read.apply(exact, named: step.node.name, with: [try window.weights(ONNXValue(part))]))
    }
    let sum = joined(parts)
    guard others.isEmpty else { return Sum(value: window.result(sum + others[0])) }
    return Sum(value: window.result(sum), integers: window.result(joined(parts, .int32), type: .int32))
  }

  /// Returns the convolution over three spatial axes. Its parts, one for each depth of the kernel and each run of channels, are exact, and are
  /// added in Double.
  private func volume(
    _ x: ONNXValue, _ range: Range, _ weights: ONNXValue, bias: ONNXValue?, attributes: ONNXAttributes
  ) throws -> Sum {
    let groups = try attributes.int("group", default: 1)
    var operands = [(x, weights)]
    if let known = weights.known, known.shape.rank == 5, known.shape.elementCount > 0 {
      let (outputs, channels) = (known.shape[0], known.shape[1])
      let taps = known.shape.elementCount / (outputs * channels)
      let values = known.floats
      let runs = ONNXExactProduct.runs(values, outputs: outputs, channels: channels, taps: taps, range)
      if runs.count > 1 {
        let order = channelsLast(5)
        let map = importer.arranged(x, as: order)
        operands = runs.map { run in
          let part = ONNXExactProduct.part(run, of: values, known.shape, groups: groups)
          return (
            groups == 1 ? ONNXValue(.float, self.channels(run, of: map), axes: order) : x, ONNXValue(part)
          )
        }
      }
    }
    var parts: [Value] = []
    var last: (volume: ONNXVolume, depth: Int)?
    for (x, weights) in operands {
      let inner = step.derived("Conv", [x, weights, nil], attributes: attributes.values)
      guard let window = try ONNXWindow(inner), let volume = ONNXVolume(window) else {
        throw ONNXFailure("a map of \(x.dimensions) is not supported")
      }
      let (planes, depth) = try volume.planarConvolutions(exactly: true)
      parts += planes
      last = (volume, depth)
    }
    guard let (volume, depth) = last else { throw ONNXFailure("it has no channels") }
    let sum = volume.result(joined(parts), depth: depth)
    guard let bias else {
      return Sum(value: sum, integers: volume.result(joined(parts, .int32), depth: depth, type: .int32))
    }
    let axes = sum.axes
    return Sum(
      value: ONNXValue(
        .float, importer.arranged(sum, as: axes) + importer.arranged(try flat(bias)), axes: axes))
  }

  private var importer: ONNXImporter { step.importer }

  private func flat(_ bias: ONNXValue) throws -> ONNXValue {
    bias.rank == 1 ? bias : try step.reshaped(bias, to: [bias.dimensions.reduce(1, *)])
  }

  // MARK: Matrices

  /// Returns the product of two matrices of whole numbers as float32, as MatMul-13 defines it.
  func product(_ a: ONNXValue, _ aRange: Range, _ b: ONNXValue, _ bRange: Range) throws -> Sum {
    guard a.rank >= 1, b.rank >= 1 else { throw ONNXFailure("\(a.dimensions) and \(b.dimensions) are no matrices") }
    if a.rank == 1 || b.rank == 1 {
      let left = a.rank == 1 ? try step.reshaped(a, to: [1] + a.dimensions) : a
      let right = b.rank == 1 ? try step.reshaped(b, to: b.dimensions + [1]) : b
      let result = try product(left, aRange, right, bRange)
      var dropped: Set<Int> = []
      if a.rank == 1 { dropped.insert(result.value.rank - 2) }
      if b.rank == 1 { dropped.insert(result.value.rank - 1) }
      return Sum(
        value: try step.droppingAxes(result.value, dropped),
        integers: try result.integers.map { try step.droppingAxes($0, dropped) })
    }
    let depth = a.dimensions[a.rank - 1]
    guard b.dimensions[b.rank - 2] == depth else {
      throw ONNXFailure("\(a.dimensions) and \(b.dimensions) do not fit")
    }
    if b.rank == 2, let known = b.known, known.shape.elementCount > 0, a.known == nil {
      return try rows(a, aRange, known)
    }
    let (left, right) = (importer.arranged(a), importer.arranged(b))
    let most = max(1, Int(ONNXExactProduct.limit / max(1, aRange.magnitude * bRange.magnitude)))
    var parts: [Value] = []
    for first in stride(from: 0, to: max(1, depth), by: most) {
      let end = min(depth, first + most)
      func part(_ value: Value, _ axis: Int) -> Value {
        end - first == depth
          ? value
          : value.apply(Slice([.init(axis: axis, from: first, to: end)]), named: step.node.name + ".part")
      }
      parts.append(
        part(left, a.rank - 1).apply(MatMul(), named: step.node.name, with: [part(right, b.rank - 2)]))
    }
    return Sum(
      value: ONNXValue(.float, joined(parts)),
      integers: parts.count == 1 ? nil : ONNXValue(.int32, joined(parts, .int32)))
  }

  /// Returns the products of rows with constant weights `[depth, columns]`, as 1 × 1 convolutions of a map of width 1.
  private func rows(_ a: ONNXValue, _ range: Range, _ weights: ONNXConstant) throws -> Sum {
    let (depth, columns) = (weights.shape[0], weights.shape[1])
    let order = a.orderOfRows
    let lying = order.map { a.dimensions[$0] }
    let count = lying.dropLast().reduce(1, *)
    let map = importer.arranged(a, as: order).apply(
      Reshape(to: .dimensions([1, count, 1, depth])), named: step.node.name + ".rows")
    let kernel = ONNXConstant(.float, weights.tensor.transposed([1, 0]).reshaped(to: [columns, depth, 1, 1]))
    let product = try convolution(
      ONNXValue(.float, map, axes: [0, 2, 3, 1]), range, ONNXValue(kernel), bias: nil,
      attributes: ONNXAttributes(["kernel_shape": .ints([1, 1])]))
    func lines(_ map: ONNXValue) -> ONNXValue {
      let value = importer.arranged(map, as: channelsLast(4)).apply(
        Reshape(to: .dimensions(lying.dropLast() + [columns])), named: step.node.name + ".reshape")
      return ONNXValue(map.type, value, axes: order)
    }
    return Sum(value: lines(product.value), integers: product.integers.map(lines))
  }
}
