/// The pixels of a graph's input that a pixel of a value depends on (Araujo, Norris and Sim 2019): along each axis those from
/// offset + i · jump to offset + i · jump + size − 1 for the pixel at i. Pixels of padding count as pixels.
public enum ReceptiveField: Hashable, Sendable {
  /// Along one axis.
  public struct Axis: Hashable, Sendable {
    /// Input pixels that one pixel depends on: 1 + Σ (effective kernel − 1) · jump over the layers before.
    public var size: Int
    /// Input pixels from one pixel to the next: the product of the strides.
    public var jump: Int
    /// The first input pixel that the pixel at 0 depends on: −Σ padding · jump.
    public var offset: Int
  }

  /// Windows along height and width.
  case window(height: Axis, width: Axis)
  /// All of the image, or a window that is not the same for every pixel (what is enlarged, means of the whole map, attention).
  case global

  /// That of the input itself.
  static let pixel = ReceptiveField.window(
    height: Axis(size: 1, jump: 1, offset: 0), width: Axis(size: 1, jump: 1, offset: 0))

  /// That of a window over a value with this one.
  func seen(through geometry: ConvolutionGeometry) -> ReceptiveField {
    guard case .window(let height, let width) = self else { return .global }
    func axis(_ axis: Axis, _ effective: Int, _ stride: Int, _ padding: Int) -> Axis {
      Axis(
        size: axis.size + (effective - 1) * axis.jump, jump: axis.jump * stride,
        offset: axis.offset - padding * axis.jump)
    }
    let effective = geometry.effectiveKernel
    return .window(
      height: axis(height, effective.height, geometry.stride.height, geometry.padding.top),
      width: axis(width, effective.width, geometry.stride.width, geometry.padding.left))
  }

  /// The smallest window that holds both; branches of different strides do not meet in one.
  func union(_ other: ReceptiveField) -> ReceptiveField {
    guard case .window(let height, let width) = self, case .window(let otherHeight, let otherWidth) = other,
      height.jump == otherHeight.jump, width.jump == otherWidth.jump
    else { return .global }
    func axis(_ a: Axis, _ b: Axis) -> Axis {
      let start = min(a.offset, b.offset)
      return Axis(size: max(a.offset + a.size, b.offset + b.size) - start, jump: a.jump, offset: start)
    }
    return .window(height: axis(height, otherHeight), width: axis(width, otherWidth))
  }
}

/// An operator each of whose pixels depends on a window of pixels of each input that is no weight.
protocol Windowed: Operator {
  /// Which window; `nil` where for these inputs it is none, or not the same for every pixel.
  func window(over inputs: [TensorSpec]) -> ConvolutionGeometry?
}

/// An operator each of whose pixels depends on the pixel at the same place.
protocol Pixelwise: Windowed {}

extension Pixelwise {
  func window(over inputs: [TensorSpec]) -> ConvolutionGeometry? { ConvolutionGeometry(kernel: 1) }
}

extension Graph {
  /// The receptive field of an output of the graph in its inputs.
  ///
  /// - Precondition: there is an output of that name.
  public func receptiveField(of output: String) -> ReceptiveField {
    guard let port = outputs.first(where: { $0.name == output }) else {
      preconditionFailure("\(name) has no output \(output): \(outputs.map(\.name))")
    }
    // Weights and constants depend on no pixel.
    var fields = [ReceptiveField?](repeating: nil, count: values.count)
    for input in inputs { fields[input.value.index] = .pixel }
    for node in nodes {
      let operands = node.inputs.compactMap { fields[$0.index] }
      guard let first = operands.first else { continue }
      var field = ReceptiveField.global
      if let windowed = node.operator as? any Windowed,
        let geometry = windowed.window(over: node.inputs.map { values[$0.index].spec })
      {
        field = operands.dropFirst().reduce(first) { $0.union($1) }.seen(through: geometry)
      }
      for value in node.outputs { fields[value.index] = field }
    }
    return fields[port.value.index] ?? .pixel
  }
}
