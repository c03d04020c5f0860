import SegEngine

extension Image {
  /// Returns the image as 8-bit RGB with a segmentation drawn over it. Each label has its colour, blended with the image; the border of
  /// each region, one pixel wide, has the full colour.
  ///
  /// Alpha and further bands are left out, and samples are scaled to 8 bits.
  ///
  /// - Parameters:
  ///   - labels: One label for each pixel of this image.
  ///   - palette: The colours.
  ///   - opacity: The weight of the colour inside a region: at 0 only borders are drawn, at 1 the image is covered. Clamped to that
  ///     range.
  ///   - background: A label that is not drawn; `nil` draws all labels.
  /// - Throws: ``ImageError`` if the sizes differ.
  public func overlaid(
    with labels: LabelMap, palette: Palette = .pascalVOC, opacity: Double = 0.5, background: UInt16? = 0
  ) throws(ImageError) -> Image {
    guard labels.width == width, labels.height == height else {
      throw ImageError(
        nil, .sizesDiffer(image: "\(width)×\(height)", labels: "\(labels.width)×\(labels.height)"))
    }
    // The weight in 256ths, so that the sums below are integers.
    let weight = opacity.isNaN ? 128 : Int((min(max(opacity, 0), 1) * 256).rounded())
    var result = rgb8()
    for row in 0..<height {
      for column in 0..<width {
        let label = labels[row, column]
        guard label != background else { continue }
        let color = palette[label]
        let onBorder =
          (column > 0 && labels[row, column - 1] != label) || (column + 1 < width && labels[row, column + 1] != label)
          || (row > 0 && labels[row - 1, column] != label) || (row + 1 < height && labels[row + 1, column] != label)
        let weight = onBorder ? 256 : weight
        let pixel = (row * width + column) * 3
        result[pixel] = mix(result[pixel], color.red, weight)
        result[pixel + 1] = mix(result[pixel + 1], color.green, weight)
        result[pixel + 2] = mix(result[pixel + 2], color.blue, weight)
      }
    }
    return Image(width: width, height: height, layout: .rgb, samples: .uint8(result))
  }
}

/// Blends two samples, with `weight` 256ths of `above`, rounded to nearest.
private func mix(_ beneath: UInt8, _ above: UInt8, _ weight: Int) -> UInt8 {
  UInt8((Int(beneath) * (256 - weight) + Int(above) * weight + 128) / 256)
}
