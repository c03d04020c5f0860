import SegEngine

extension Resize: ONNXExporting {
  /// Resize antialiases from operator set 18 on.
  var minimumOpset: Int { antialiases ? 18 : ONNXExporter.opset }

  func export(_ step: ONNXExportStep) throws(ONNXExportFailure) {
    try step.requireFixed([1, 2])
    if target == .like { try step.requireFixed([1, 2], ofInput: 1) }
    let (x, y) = (step.input(0).shape, step.output().shape)
    if interpolation == .nearest || interpolation == .nearestExact,
      !choosesSamePixels(x.height, y.height, \.rows, from: x, to: y)
        || !choosesSamePixels(x.width, y.width, \.columns, from: x, to: y)
    {
      return exportPixels(step)
    }
    let map = step.map()
    if let factors = try factors(from: x, to: y) {
      let scales = step.exporter.constant(Tensor([4], [1, 1, factors.height, factors.width]))
      step.result(map: step.add("Resize", [map, "", scales], attributes))
    } else {
      let size = try step.shape(as: AxisOrder.channelsFirst(4), batch: map)
      step.result(map: step.add("Resize", [map, "", "", size], attributes))
    }
  }

  /// Returns the factors of height and width, if the size follows from them; otherwise the node takes the size.
  private func factors(from x: Shape, to y: Shape) throws(ONNXExportFailure) -> (height: Float, width: Float)? {
    // Aligned corners follow from the sizes alone; of a node with factors, from a size that is not rounded down.
    let isAligned = coordinates == .alignCorners && (interpolation == .bilinear || interpolation == .bicubic)
    if case .scale(let height, let width, recomputingScale: false) = target, !isAligned {
      let factors = (height: Float(height), width: Float(width))
      guard Int((Float(x.height) * factors.height).rounded(.down)) == y.height,
        Int((Float(x.width) * factors.width).rounded(.down)) == y.width
      else { throw ONNXExportFailure("the factors \(height) and \(width) give another size in float32") }
      return factors
    }
    guard y.height % x.height == 0, y.width % x.width == 0 else { return nil }
    return (Float(y.height / x.height), Float(y.width / x.width))
  }

  private var attributes: ONNXAttributeList {
    let mode =
      switch coordinates {
      case .halfPixel: "half_pixel"
      case .alignCorners: "align_corners"
      case .asymmetric: "asymmetric"
      }
    // With antialiasing, taps outside the map are left out.
    let antialias: ONNXAttributeList = antialiases ? ["antialias": .int(1), "exclude_outside": .int(1)] : [:]
    return switch interpolation {
    case .nearest:
      [
        "mode": .string("nearest"), "coordinate_transformation_mode": .string("asymmetric"),
        "nearest_mode": .string("floor"),
      ]
    case .nearestExact:
      [
        "mode": .string("nearest"), "coordinate_transformation_mode": .string("half_pixel"),
        "nearest_mode": .string("round_prefer_ceil"),
      ]
    case .bilinear:
      antialias.preceded(by: ["mode": .string("linear"), "coordinate_transformation_mode": .string(mode)])
    case .bicubic:
      antialias.preceded(by: [
        "mode": .string("cubic"), "coordinate_transformation_mode": .string(mode),
        "cubic_coeff_a": .float(antialiases ? -0.5 : -0.75),
      ])
    }
  }

  /// Returns whether a node that divides indices by the factor in float32 chooses the same pixels along an axis as the engine, which multiplies
  /// them by its inverse.
  private func choosesSamePixels(
    _ input: Int, _ output: Int, _ axis: KeyPath<(rows: [Int], columns: [Int]), [Int]>, from x: Shape, to y: Shape
  ) -> Bool {
    let factor = Float(output) / Float(input)
    let offset: Float = interpolation == .nearest ? 0 : 0.5
    return nearestPixels(from: x, to: y)[keyPath: axis].enumerated().allSatisfy { index, pixel in
      let place = (Float(index) + offset) / factor - offset
      let rounded = interpolation == .nearest ? place.rounded(.down) : place.rounded()
      return Int(min(max(rounded, 0), Float(input - 1))) == pixel
    }
  }

  /// Gathers the rows and columns of nearest-pixel sampling.
  private func exportPixels(_ step: ONNXExportStep) {
    let (rows, columns) = nearestPixels(from: step.input(0).shape, to: step.output().shape)
    let lines = step.add("Gather", [step.map(), step.integers(rows)], ["axis": .int(2)])
    step.result(map: step.add("Gather", [lines, step.integers(columns)], ["axis": .int(3)]))
  }
}
