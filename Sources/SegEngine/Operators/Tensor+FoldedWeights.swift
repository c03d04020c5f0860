// Weights and bias after folding a scale and shift of the output channels.

extension Tensor {
  /// Returns the float32 tensor with every slice along `axis` multiplied by its own factor.
  func scaledAlongAxis(_ axis: Int, by scale: [Float]) -> Tensor {
    precondition(shape[axis] == scale.count, "\(scale.count) factors for axis \(axis) of \(shape)")
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    var result = self
    result.withUnsafeMutableElements(of: Float.self) { elements in
      for index in elements.indices { elements[index] *= scale[index / inner % scale.count] }
    }
    return result
  }

  /// Computes scale · bias + shift in Double.
  static func foldedBias(_ bias: [Float]?, scale: [Float], shift: [Float]) -> Tensor {
    Tensor(
      [scale.count],
      scale.indices.map { Float(Double(bias?[$0] ?? 0) * Double(scale[$0]) + Double(shift[$0])) })
  }
}
