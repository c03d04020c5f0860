/// The gradients of group normalisation. With g = dy · weight, x̂ = (x − mean) / σ and means over the pixels of an image and the channels of
/// a group: dx = (g − mean(g) − x̂ · mean(g · x̂)) / σ; dweight = Σ dy · x̂ and dbias = Σ dy over images and pixels.
///
/// Inputs: dy and x `[batch, …, channels]`, and optionally weight and bias `[channels]`. Outputs: a gradient for each input but dy.
package struct GroupNormGradient: Operator {
  package static let name = "GroupNormGradient"

  /// The number of groups; instance normalisation has one for each channel.
  package let groups: Int
  package let epsilon: Float

  package init(groups: Int, epsilon: Float) {
    self.groups = groups
    self.epsilon = epsilon
  }

  package var attributes: String { "\(groups) groups" }

  package func outputs(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
    try requireInputs(inputs, 2...4)
    for input in inputs { try requireFloat(input) }
    try require(inputs[0] == inputs[1], "the gradient \(inputs[0]) does not fit \(inputs[1])")
    try require(
      inputs[0].shape.rank >= 2 && inputs[0].shape.channels % groups == 0,
      "the channels of \(inputs[0]) do not divide into \(groups) groups")
    return Array(inputs.dropFirst())
  }

  package func cost(inputs: [TensorSpec], outputs: [TensorSpec]) -> Cost {
    Cost(otherOperations: 12 * outputs[0].shape.elementCount, reading: inputs, writing: outputs)
  }

  package func overwritableInputs(of count: Int) -> [Int] { [0, 1] }
  package var takesRowStrides: Bool { true }
  package func takesRowStrides(ofInput index: Int) -> Bool { index < 2 }

  package func prepare(_ context: PreparationContext) -> PreparedOperator {
    let shape = context.inputs[0].shape
    let (batch, channels) = (shape[0], shape.channels)
    let pixels = shape.rows / max(1, batch)
    let blocks = RowBlocks(rows: pixels, channels: channels)
    let (groups, epsilon) = (groups, epsilon)
    // Two sums of each channel for each block of each image; seven numbers for each channel of each image; two for each channel.
    let partCount = 2 * batch * blocks.count * channels
    let vectorCount = batch * channels
    return PreparedOperator(
      workspaceByteCount: ElementType.float32.byteCount(of: partCount + 7 * vectorCount + 2 * channels)
    ) { context in
      let (dy, x, dx) = (context.input(0), context.input(1), context.output())
      let weight = context.inputCount > 2 ? context.input(2).floats : nil
      let parts = context.scratch
      func vector(_ index: Int) -> UnsafeMutablePointer<Float> { parts + partCount + index * vectorCount }
      let (mean, inverse, factor, slope, offset) = (vector(0), vector(1), vector(2), vector(3), vector(4))
      let (sums, products, ones) = (vector(5), vector(6), vector(7))
      let zeros = ones + channels
      ones.update(repeating: 1, count: channels)
      zeros.update(repeating: 0, count: channels)
      func rows(_ index: Int) -> (image: Int, first: Int, count: Int, part: UnsafeMutablePointer<Float>) {
        let (image, block) = index.quotientAndRemainder(dividingBy: blocks.count)
        return (image, image * pixels + blocks[block].lowerBound, blocks[block].count, parts + 2 * index * channels)
      }
      context.workers.forEach(batch * blocks.count) { index, _ in
        let (_, first, count, part) = rows(index)
        context.kernels.columnMoments(
          x.floats + first * x.rowStride, xStride: x.rowStride, rows: count, channels: channels, means: part,
          deviations: part + channels)
      }
      let size = channels / groups
      for image in 0..<batch {
        for group in 0..<groups {
          var moments = Moments()
          for block in 0..<blocks.count {
            let part = parts + 2 * (image * blocks.count + block) * channels
            for channel in group * size..<(group + 1) * size {
              moments.add(
                count: Double(blocks[block].count), mean: part[channel], deviations: part[channels + channel])
            }
          }
          let scale = 1 / (moments.variance + Double(epsilon)).squareRoot()
          for channel in group * size..<(group + 1) * size {
            mean[image * channels + channel] = Float(moments.mean)
            inverse[image * channels + channel] = Float(scale)
          }
        }
      }
      func operands(_ image: Int, _ first: Int) -> NormalizationOperands {
        NormalizationOperands(
          dy: dy.floats + first * dy.rowStride, dyStride: dy.rowStride, x: x.floats + first * x.rowStride,
          xStride: x.rowStride, mean: mean + image * channels, scale: ones, shift: zeros, function: .identity)
      }
      context.workers.forEach(batch * blocks.count) { index, _ in
        let (image, first, count, part) = rows(index)
        context.kernels.normalizationSums(
          operands(image, first), rows: count, channels: channels, sums: part, products: part + channels)
      }
      for image in 0..<batch {
        for channel in 0..<channels {
          var (sum, product) = (0.0, 0.0)
          for block in 0..<blocks.count {
            let part = parts + 2 * (image * blocks.count + block) * channels + channel
            sum += Double(part.pointee)
            product += Double((part + channels).pointee)
          }
          sums[image * channels + channel] = Float(sum)
          products[image * channels + channel] = Float(product * Double(inverse[image * channels + channel]))
        }
        for group in 0..<groups {
          var (sum, product) = (0.0, 0.0)
          for channel in group * size..<(group + 1) * size {
            sum += Double(sums[image * channels + channel]) * Double(weight?[channel] ?? 1)
            product += Double(products[image * channels + channel]) * Double(weight?[channel] ?? 1)
          }
          let count = Double(pixels * size)
          for channel in group * size..<(group + 1) * size {
            let place = image * channels + channel
            let scale = Double(inverse[place])
            factor[place] = Float(scale * Double(weight?[channel] ?? 1))
            slope[place] = Float(-scale * scale * product / count)
            offset[place] = Float(-scale * sum / count)
          }
        }
      }
      context.workers.forEach(batch * blocks.count) { index, _ in
        let (image, first, count, _) = rows(index)
        context.kernels.normalizationGradient(
          operands(image, first), factor: factor + image * channels, slope: slope + image * channels,
          offset: offset + image * channels, rows: count, channels: channels, dx.floats + first * dx.rowStride,
          dxStride: dx.rowStride)
      }
      for (output, source) in zip(1..<context.outputCount, [products, sums]) {
        let result = context.output(output).floats
        for channel in 0..<channels {
          var sum = 0.0
          for image in 0..<batch { sum += Double(source[image * channels + channel]) }
          result[channel] = Float(sum)
        }
      }
    }
  }
}
