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
    with labels: LabelMap, palette: Palette = .distinct, opacity: Double = 0.5, background: UInt16? = 0
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

  /// Returns the image as 8-bit RGB with a segmentation drawn over it, and below or beside it a legend of the classes that occur, with
  /// their share of the pixels.
  ///
  /// The legend enlarges the image to the right or at the bottom. Names may have any characters; those that the built-in font does not
  /// have are drawn as boxes. Names of more than 40 characters are shortened.
  ///
  /// - Parameters:
  ///   - labels: One label for each pixel of this image.
  ///   - classes: The names and colours of the labels. The background is not drawn; the legend lists it with an empty square.
  ///   - opacity: The weight of the colour inside a region, as for `overlaid(with:palette:opacity:background:)`.
  ///   - legend: The placement and scale of the legend; `nil` for no legend.
  /// - Throws: ``ImageError`` if the sizes differ.
  public func overlaid(
    with labels: LabelMap, classes: ClassList, opacity: Double = 0.5, legend: Legend? = Legend()
  ) throws(ImageError) -> Image {
    let drawn = try overlaid(
      with: labels, palette: classes.palette, opacity: opacity, background: classes.background)
    guard let legend else { return drawn }
    let entries = LegendEntry.entries(labels, classes)
    let layout = LegendLayout(entries, width: width, height: height, legend)
    var canvas = RGBCanvas(width: layout.width, height: layout.height, LegendLayout.ground)
    canvas.copy(drawn.rgb8(), width: width)
    layout.draw(entries, on: &canvas, font: .spleen)
    return canvas.image
  }
}

/// Blends two samples, with `weight` 256ths of `above`, rounded to nearest.
private func mix(_ beneath: UInt8, _ above: UInt8, _ weight: Int) -> UInt8 {
  UInt8((Int(beneath) * (256 - weight) + Int(above) * weight + 128) / 256)
}
