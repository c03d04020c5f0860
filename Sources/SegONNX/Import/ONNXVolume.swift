import SegEngine

/// Convolution and pooling over three spatial axes, composed of operations over two: the maps of all depths form one
/// batch.
///
/// Volumes are stored as `[batch, depth, height, width, channels]`.
struct ONNXVolume {
  private let window: ONNXWindow
  private var step: ONNXStep { window.step }

  /// Creates it from a window; `nil` unless the window has three spatial axes.
  init?(_ window: ONNXWindow) {
    guard window.spatial == 3 else { return nil }
    self.window = window
  }

  private func reshaped(_ value: Value, _ extents: [Int]) -> Value {
    value.apply(Reshape(to: .dimensions(extents)), named: step.node.name + ".reshape")
  }

  /// Returns the maps of all depths as a batch: `[batch · depth, height, width, channels]`.
  private func maps(_ volume: Value) -> Value {
    let d = volume.shape.dimensions
    // After a shape error the builder returns placeholders, whose rank may differ.
    guard volume.shape.rank == 5 else { return volume }
    return reshaped(volume, [d[0] * d[1], d[2], d[3], d[4]])
  }

  /// Returns the maps of all depths as a volume `[batch, depth, height, width, channels]`.
  private func volume(_ maps: Value, depth: Int) -> Value {
    let d = maps.shape.dimensions
    guard maps.shape.rank == 4, depth > 0, d[0] % depth == 0 else { return maps }
    return reshaped(maps, [d[0] / depth, depth, d[1], d[2], d[3]])
  }

  /// Returns the weights at one depth of the kernel, `[outputs, inputs, height, width]`. Those of known weights are constants, which are
  /// packed once.
  private func weights(_ all: Value, depth: Int) -> Value {
    let d = all.shape.dimensions
    if let known = step.optional(1)?.known {
      let (depths, plane) = (d[2], d[3] * d[4])
      let part = known.tensor.withElements(of: Float.self) { weights in
        Tensor(Shape([d[0], d[1], d[3], d[4]]), of: Float.self) { part in
          for index in 0..<d[0] * d[1] * plane {
            part[index] = weights[(index / plane * depths + depth) * plane + index % plane]
          }
        }
      }
      return step.builder.constant(part)
    }
    let part = all.apply(
      Slice([.init(axis: 2, from: depth, to: depth + 1)]), named: step.node.name + ".weights")
    return reshaped(part, [d[0], d[1], d[3], d[4]])
  }

  /// Returns a volume with maps of zeros before and after its own, or without some of them if a number is negative. A map is one row of
  /// the padding, so that it is copied at once.
  private func padded(_ volume: Value, before: Int, after: Int) -> Value {
    let d = volume.shape.dimensions
    guard volume.shape.rank == 5 else { return volume }
    let rows = reshaped(volume, [d[0], d[1], d[2] * d[3] * d[4]])
      .apply(Pad([.init(axis: 1, before: before, after: after)]), named: step.node.name + ".pad")
    guard rows.shape.rank == 3 else { return volume }
    return reshaped(rows, [d[0], rows.shape[1], d[2], d[3], d[4]])
  }

  /// Returns the weights `[outputs, inputs, depth, height, width]`.
  private func weights() throws -> Value {
    let weights = try step.value(1)
    guard weights.shape.rank == 5, weights.shape[2] == window.kernel[0] else {
      throw ONNXFailure("its weights \(weights.shape) do not go with a kernel of \(window.kernel)")
    }
    guard window.kernel[0] <= 1 << 10 else { throw ONNXFailure("its kernel of \(window.kernel) is too deep") }
    return weights
  }

  /// Adds the bias, if the node has one.
  private func biased(_ value: Value) throws -> Value {
    guard step.optional(2) != nil else { return value }
    let bias = try step.value(2)
    return value + bias
  }

  /// Returns the convolution: the sum over the depths of the kernel of 2-D convolutions of the input's depths under
  /// them.
  func convolution() throws -> ONNXValue {
    let (parts, depth) = try planarConvolutions()
    let sum = parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    return step.mapResult(try biased(volume(sum, depth: depth)))
  }

  /// Returns a sum of ``planarConvolutions(exactly:)`` as a volume.
  func result(_ sum: Value, depth: Int, type: ONNXElement = .float) -> ONNXValue {
    step.mapResult(volume(sum, depth: depth), type: type)
  }

  /// Returns the 2-D convolutions whose sum is the convolution without bias, one for each depth of the kernel, and the depth of the result.
  ///
  /// - Parameter isExact: Whether whole numbers are summed without rounding, as far as float32 holds the sums.
  func planarConvolutions(exactly isExact: Bool = false) throws -> (parts: [Value], depth: Int) {
    let (kernel, stride, dilation) = (window.kernel[0], window.strides[0], window.dilations[0])
    let pads = window.resolvedPads
    let weights = try weights()
    let geometry = try window.geometry(groups: try window.groups())
    var padded = try step.map()
    if pads[0] != 0 || pads[3] != 0 {
      padded = self.padded(padded, before: pads[0], after: pads[3])
    }
    let room = padded.shape[1] - ((kernel - 1) * dilation + 1)
    guard room >= 0 else { throw ONNXFailure("a kernel of \(window.kernel) does not fit \(window.input)") }
    let depth = room / stride + 1
    let parts = (0..<kernel).map { place -> Value in
      let first = place * dilation
      let met = padded.apply(
        Slice([.init(axis: 1, from: first, to: first + (depth - 1) * stride + 1, step: stride)]),
        named: step.node.name + ".slice")
      let planar = isExact ? Convolution(geometry, exactly: true) : Convolution(geometry)
      return step.apply(planar, maps(met), [self.weights(weights, depth: place)])
    }
    return (parts, depth)
  }

  /// Returns the transposed convolution: the sum over the depths of the kernel of 2-D transposed convolutions, shifted
  /// and spread along the depth.
  func transposedConvolution() throws -> ONNXValue {
    let (kernel, stride, dilation) = (window.kernel[0], window.strides[0], window.dilations[0])
    let (pads, added) = try window.transposedPads()
    let (geometry, outputPadding) = try window.transposedGeometry()
    let weights = try weights()
    let map = try step.map()
    let depth = (window.input[0] - 1) * stride + (kernel - 1) * dilation + 1 + added[0] - pads[0] - pads[3]
    guard depth > 0 else { throw ONNXFailure("it would give a depth of \(depth)") }
    let parts = (0..<kernel).map { place -> Value in
      let maps = step.apply(
        TransposedConvolution(geometry, outputPadding: outputPadding), maps(map), [self.weights(weights, depth: place)])
      let volume = volume(maps, depth: window.input[0])
      guard volume.shape.rank == 5 else { return volume }
      let d = volume.shape.dimensions
      let row = d[2] * d[3] * d[4]
      // Insert `stride` − 1 zero maps after each map. Then pad or crop, so that the maps are at the kernel's depth
      // `place`.
      var spread = reshaped(volume, [d[0], d[1], 1, row])
      if stride > 1 {
        spread = spread.apply(Pad([.init(axis: 2, before: 0, after: stride - 1)]), named: step.node.name + ".spread")
      }
      spread = reshaped(spread, [d[0], d[1] * stride, row])
      let before = place * dilation - pads[0]
      spread = spread.apply(
        Pad([.init(axis: 1, before: before, after: depth - d[1] * stride - before)]), named: step.node.name + ".place")
      return reshaped(spread, [d[0], depth, d[2], d[3], d[4]])
    }
    let sum = parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    return step.mapResult(try biased(sum))
  }

  /// Returns the pooling: over height and width, then over the depth. Maximum and mean of a box are separable in this
  /// way.
  func pooled(_ pool: (Value, ConvolutionGeometry) -> Value) throws -> ONNXValue {
    let pads = window.resolvedPads
    let maps = pool(maps(try step.map()), try window.geometry(groups: 1))
    let volume = volume(maps, depth: window.input[0])
    guard volume.shape.rank == 5 else { return step.mapResult(volume) }
    let d = volume.shape.dimensions
    let columns = reshaped(volume, [d[0], d[1], d[2] * d[3], d[4]])
    let pooled = pool(
      columns,
      ConvolutionGeometry(
        kernel: Extent2D(height: window.kernel[0], width: 1), stride: Extent2D(height: window.strides[0], width: 1),
        dilation: Extent2D(height: window.dilations[0], width: 1),
        padding: Padding2D(top: pads[0], left: 0, bottom: pads[3], right: 0)
      ))
    guard pooled.shape.rank == 4 else { return step.mapResult(pooled) }
    return step.mapResult(reshaped(pooled, [d[0], pooled.shape[1], d[2], d[3], d[4]]))
  }
}
