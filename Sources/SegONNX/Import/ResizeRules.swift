import SegEngine

extension ONNXImporter {
  /// Resize and Upsample in the modes that the engine supports. The evaluator computes the others.
  static let resizeRules: [String: Rule] = [
    "Resize": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank == 4 || x.rank == 5 else { return nil }
      let attributes = step.attributes
      // The inputs of Resize-10 are (X, scales), those of Resize-11 and later (X, roi, scales, sizes).
      let isEarly = step.node.opset < 11
      let scales = try step.known(isEarly ? 1 : 2, "scales").flatMap { $0.tensor.count == 0 ? nil : $0.floats }
      let sizes = isEarly ? nil : try step.known(3, "sizes").flatMap { $0.tensor.count == 0 ? nil : $0.ints }
      let axes =
        try attributes.ints("axes")?.map { axis throws(ONNXFailure) in try step.axis(axis, rank: x.rank) }
        ?? Array(0..<x.rank)
      guard try !attributes.flag("antialias"), try !attributes.flag("exclude_outside"),
        try attributes.string("keep_aspect_ratio_policy", default: "stretch") == "stretch"
      else { return nil }
      let coordinates = try attributes.string(
        "coordinate_transformation_mode", default: isEarly ? "asymmetric" : "half_pixel")
      let nearest = try attributes.string("nearest_mode", default: isEarly ? "floor" : "round_prefer_floor")
      let mode = try attributes.string("mode", default: "nearest")
      if mode == "cubic", try attributes.float("cubic_coeff_a", default: -0.75) != -0.75 { return nil }
      if x.rank == 5 {
        return try step.resizedVolume(x, axes: axes, scales: scales, sizes: sizes) { maps, scales, sizes in
          try step.resized(maps, mode, coordinates, nearest, scales: scales, sizes: sizes, axes: [0, 1, 2, 3])?.first
        }
      }
      return try step.resized(x, mode, coordinates, nearest, scales: scales, sizes: sizes, axes: axes)
    },
    "Upsample": { step in
      let x = try step.input(0)
      guard step.isFloat(0), x.rank == 4 else { return nil }
      guard let scales = try step.known(1, "scales")?.floats ?? step.attributes.floats("scales") else {
        throw ONNXFailure("it has no scales")
      }
      let mode = try step.attributes.string("mode", default: "nearest")
      return try step.resized(x, mode, "asymmetric", "floor", scales: scales, sizes: nil, axes: [0, 1, 2, 3])
    },
  ]
}

extension ONNXStep {
  /// Resizes a volume `[N, C, D, H, W]`: the height and width of the maps of all depths, and then the depth of all columns. `resize` resizes
  /// height and width of maps `[N, C, H, W]`, or returns `nil`.
  fileprivate func resizedVolume(
    _ x: ONNXValue, axes: [Int], scales: [Float]?, sizes: [Int]?,
    _ resize: (ONNXValue, _ scales: [Float]?, _ sizes: [Int]?) throws -> ONNXValue?
  ) throws -> [ONNXValue]? {
    let d = x.dimensions
    guard (scales ?? []).count == (scales == nil ? 0 : axes.count),
      (sizes ?? []).count == (sizes == nil ? 0 : axes.count),
      Set(axes).count == axes.count
    else { throw ONNXFailure("it has not one scale or size for each of the axes \(axes)") }
    var (factors, extents): ([Float], [Int]) = ([1, 1, 1, 1, 1], d)
    for (index, axis) in axes.enumerated() {
      if let scales { factors[axis] = scales[index] }
      if let sizes { extents[axis] = sizes[index] }
    }
    guard factors[0] == 1, factors[1] == 1, extents[0] == d[0], extents[1] == d[1] else { return nil }
    func reshaped(_ value: ONNXValue, _ extents: [Int]) -> ONNXValue {
      let lying = importer.arranged(value, as: channelsLast(value.rank))
      return mapResult(lying.apply(Reshape(to: .dimensions(extents)), named: node.name + ".reshape"))
    }
    let maps = reshaped(x, [d[0] * d[2], d[3], d[4], d[1]])
    guard maps.rank == 4,
      let wide = try resize(
        maps, scales.map { _ in [1, 1, factors[3], factors[4]] },
        sizes.map { _ in [d[0] * d[2], d[1], extents[3], extents[4]] })
    else { return nil }
    let (height, width) = (wide.dimensions[2], wide.dimensions[3])
    guard clampedProduct(height, width) <= 1 << 20 else { return nil }
    let columns = reshaped(wide, [d[0], d[2], height * width, d[1]])
    guard columns.rank == 4,
      let deep = try resize(
        columns, scales.map { _ in [1, 1, factors[2], 1] }, sizes.map { _ in [d[0], d[1], extents[2], height * width] })
    else { return nil }
    return [reshaped(deep, [d[0], deep.dimensions[2], height, width, d[1]])]
  }

  /// Resizes height and width; `nil` if the engine does not support the mode.
  fileprivate func resized(
    _ x: ONNXValue, _ mode: String, _ coordinates: String, _ nearest: String, scales: [Float]?, sizes: [Int]?,
    axes: [Int]
  ) throws -> [ONNXValue]? {
    guard (scales?.count ?? axes.count) == axes.count, (sizes?.count ?? axes.count) == axes.count,
      (scales == nil) != (sizes == nil)
    else { throw ONNXFailure("it has not one scale or size for each of the axes \(axes)") }
    var target = x.dimensions
    var factors: [Float] = [1, 1, 1, 1]
    for (index, axis) in axes.enumerated() {
      if let scales {
        guard scales[index] > 0, scales[index] < 65536 else {
          throw ONNXFailure("its scale \(scales[index]) is out of range")
        }
        factors[axis] = scales[index]
        target[axis] = Int((Float(x.dimensions[axis]) * scales[index]).rounded(.down))
      } else if let sizes {
        target[axis] = try bounded([sizes[index]], "size", 1...(1 << 20))[0]
      }
    }
    guard target[0] == x.dimensions[0], target[1] == x.dimensions[1] else { return nil }
    guard target[2] > 0, target[3] > 0 else { throw ONNXFailure("it would give the shape \(target)") }
    // A given scale is used for the coordinates even if extent · scale was rounded (Resize-11).
    let isWhole =
      sizes != nil
      || (Float(target[2]) == Float(x.dimensions[2]) * factors[2]
        && Float(target[3]) == Float(x.dimensions[3]) * factors[3])
    if mode == "nearest" {
      let pixel = ONNXNearestPixel(coordinates: coordinates, rounding: nearest)
      return try nearestPixels(x, target, pixel, scales: scales == nil ? nil : factors)
    }
    let place: Resize.Coordinates
    switch coordinates {
    case "half_pixel": place = .halfPixel
    // pytorch_half_pixel differs from half_pixel only for an output of one pixel, which is the first input pixel.
    case "pytorch_half_pixel" where target[2] > 1 && target[3] > 1: place = .halfPixel
    // The corners are those of the size before rounding, which the engine's operator does not support.
    case "align_corners" where target[2] > 1 && target[3] > 1 && isWhole: place = .alignCorners
    case "asymmetric": place = .asymmetric
    default: return nil
    }
    let interpolation: Resize.Interpolation
    switch mode {
    case "linear", "bilinear": interpolation = .bilinear
    case "cubic" where place != .asymmetric: interpolation = .bicubic
    default: return nil
    }
    let size = Extent2D(height: target[2], width: target[3])
    let resize =
      isWhole
      ? Resize(interpolation, coordinates: place, to: .size(size))
      : Resize(
        interpolation, coordinates: place,
        to: .scale(height: Double(factors[2]), width: Double(factors[3]), recomputingScale: false))
    let result = apply(resize, importer.arranged(x, as: channelsLast(4)))
    guard result.shape.dimensions == [target[0], target[2], target[3], target[1]] else { return nil }
    return [mapResult(result)]
  }

  /// Resizes height and width by copies of the nearest pixels, if one of the engine's rules chooses the same ones; else `nil`.
  private func nearestPixels(
    _ x: ONNXValue, _ target: [Int], _ pixel: ONNXNearestPixel, scales: [Float]?
  ) throws -> [ONNXValue]? {
    let wanted = try (2...3).map { axis -> [Int] in
      let (extent, count) = (x.dimensions[axis], target[axis])
      guard count <= 1 << 20, extent > 0 else { throw ONNXFailure("it would give the shape \(target)") }
      let scale = scales?[axis] ?? Float(count) / Float(extent)
      return (0..<count).compactMap { pixel.source(of: $0, extent: extent, count: count, scale: scale) }
    }
    let d = x.dimensions
    let (from, to): (Shape, Shape) = ([d[0], d[2], d[3], d[1]], [d[0], target[2], target[3], d[1]])
    var targets: [Resize.Target] = [.size(Extent2D(height: target[2], width: target[3]))]
    if let scales {
      targets.append(.scale(height: Double(scales[2]), width: Double(scales[3]), recomputingScale: false))
    }
    for target in targets {
      for interpolation in [Resize.Interpolation.nearest, .nearestExact] {
        let resize = Resize(interpolation, to: target)
        let (rows, columns) = resize.nearestPixels(from: from, to: to)
        guard rows == wanted[0], columns == wanted[1], try resize.outputs(for: [TensorSpec(from)])[0].shape == to else {
          continue
        }
        return [mapResult(apply(resize, importer.arranged(x, as: channelsLast(4))))]
      }
    }
    return nil
  }
}
