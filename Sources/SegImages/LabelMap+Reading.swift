import SegEngine
import SegFiles

extension LabelMap {
  /// How the pixels of a mask file are converted to labels.
  public enum Reading: Sendable, Hashable {
    /// The label is the stored value: a palette index or an unscaled grey value. Three equal channels count as one, and opaque alpha is
    /// ignored. Other colours and alpha are errors.
    case storedValue
    /// The label is that of the colour in the table. Files without colours and files with a palette are read as ``storedValue``.
    case colors(LabelColors)
    /// The label is 1 where the palette index, the grey value, or one of red, green and blue is not zero, else 0. Alpha is ignored.
    case nonZeroIsForeground
    /// The label is 1 where alpha is not zero, else 0. Files without alpha are an error.
    case alphaIsForeground
  }

  /// Reads a mask from a file with lossless compression: PNG, TIFF (its first page), BMP, GIF, netpbm, lossless WebP, or a NumPy array.
  ///
  /// JPEG and other lossy compression is an error. Negative numbers of signed files become `LabelMap.unlabelled`. Numbers above 65535 and
  /// fractions are errors. Warnings about the file are discarded; `reading(contentsOf:as:limits:)` returns them.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - reading: How pixels are converted to labels.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError`` if the file cannot be read, is damaged or too large, or contains no labels in that reading.
  public init(
    contentsOf path: String, reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) {
    self = try LabelMap.reading(contentsOf: path, as: reading, limits: limits).labels
  }

  /// Reads a mask from a file as `init(contentsOf:reading:limits:)` does, and returns warnings about the file too, for instance of
  /// further pages.
  ///
  /// - Parameters:
  ///   - path: A file, or a pipe that is read to its end.
  ///   - reading: How pixels are converted to labels.
  ///   - limits: Larger files are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `init(contentsOf:reading:limits:)` does.
  public static func reading(
    contentsOf path: String, as reading: Reading = .storedValue, limits: ImageLimits = .default
  ) throws(ImageError) -> (labels: LabelMap, warnings: [ImageWarning]) {
    var warnings: [ImageWarning.Kind] = []
    let file = try FileBytes(image: path, limits: limits)
    let labels = try LabelMap(file, named: path, reading: reading, limits: limits, &warnings)
    return (labels, warnings.filter { !$0.concernsBrightness }.map { ImageWarning(path, $0) })
  }

  /// Decodes a mask from the contents of a file.
  ///
  /// - Parameters:
  ///   - bytes: The file's contents.
  ///   - name: The name of the file in error messages.
  ///   - reading: How pixels are converted to labels.
  ///   - limits: Larger masks are refused before memory is allocated for them.
  /// - Throws: ``ImageError``, as `init(contentsOf:reading:limits:)` does.
  public init(
    decoding bytes: [UInt8], named name: String = "mask", reading: Reading = .storedValue,
    limits: ImageLimits = .default
  ) throws(ImageError) {
    var warnings: [ImageWarning.Kind] = []
    try self.init(FileBytes(bytes), named: name, reading: reading, limits: limits, &warnings)
  }

  private init(
    _ file: FileBytes, named path: String, reading: Reading, limits: ImageLimits,
    _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) {
    let format = try PixelFormat(of: file, named: path)
    guard format.keepsSamples, format != .webp || WebPDecoder.isLossless(file) else {
      throw ImageError(path, .notLabels(reason: "\(format.rawValue) compression changes labels; use PNG or TIFF"))
    }
    func image() throws(ImageError) -> (image: Image, warnings: [ImageWarning]) {
      try Image.reading(file, format, named: path, page: 1, limits: limits)
    }
    guard reading != .alphaIsForeground,
      let stored = try StoredValues.reading(file, format, named: path, limits: limits, &warnings)
    else {
      let (image, found) = try image()
      warnings = found.map(\.kind)
      self = try LabelMap(image: image, reading: reading, path: path)
      return
    }
    self = try stored.labels(of: path, areForeground: reading == .nonZeroIsForeground)
    if case .colors(let table) = reading, stored.areIndices {
      try requireAgreement(with: table, try image().image, path: path)
    }
  }

  private init(image: Image, reading: Reading, path: String) throws(ImageError) {
    let labels: [UInt16]
    switch reading {
    case .storedValue: labels = try image.equalChannels(path)
    case .colors(let colors):
      labels = image.layout.isColor ? try image.labels(by: colors, path) : try image.equalChannels(path)
    case .nonZeroIsForeground: labels = image.foreground(0..<image.layout.count - (image.layout.hasAlpha ? 1 : 0))
    case .alphaIsForeground:
      guard image.layout.hasAlpha else {
        throw ImageError(path, .notLabels(reason: "it has no alpha channel to take foreground from"))
      }
      labels = image.foreground(image.layout.count - 1..<image.layout.count)
    }
    self.init(width: image.width, height: image.height, labels: labels)
  }

  /// Refuses palette indices that contradict the table. If all colours of a file's palette are in the table, but at other labels, it is
  /// unknown which of the two is meant.
  private func requireAgreement(with colors: LabelColors, _ image: Image, path: String) throws(ImageError) {
    guard case .uint8(let samples) = image.samples, image.layout.isColor else { return }
    let channels = image.layout.count
    var colorOfIndex: [UInt16: Palette.Color] = [:]
    for (pixel, label) in labels.enumerated() where colorOfIndex[label] == nil {
      let first = pixel * channels
      colorOfIndex[label] = Palette.Color(samples[first], samples[first + 1], samples[first + 2])
    }
    var contradiction: (index: UInt16, label: UInt16)?
    for (index, color) in colorOfIndex.sorted(by: { $0.key < $1.key }) {
      guard case .label(let label) = colors.meaning(of: color) else { return }
      if label != index, label != LabelMap.unlabelled, contradiction == nil { contradiction = (index, label) }
    }
    guard let contradiction else { return }
    throw ImageError(
      path,
      .notLabels(
        reason: "its palette has the colour of label \(contradiction.label) at index \(contradiction.index); "
          + "store it as RGB to have colours count, or give no palette to have indices count"))
  }
}

extension Image {
  /// Returns the position of a pixel as text.
  private func place(_ pixel: Int) -> String { "column \(pixel % width), row \(pixel / width)" }

  /// Returns label 1 where one of some channels is not zero.
  fileprivate func foreground(_ channels: Range<Int>) -> [UInt16] {
    func foreground<Sample: Numeric>(_ samples: [Sample]) -> [UInt16] {
      stride(from: 0, to: samples.count, by: layout.count).map { pixel in
        channels.contains { samples[pixel + $0] != 0 } ? 1 : 0
      }
    }
    return switch samples {
    case .uint8(let samples): foreground(samples)
    case .uint16(let samples): foreground(samples)
    case .float32(let samples): foreground(samples)
    }
  }

  /// Returns the common value of all channels. Alpha, if present, must be opaque.
  fileprivate func equalChannels(_ path: String) throws(ImageError) -> [UInt16] {
    switch samples {
    case .uint8(let samples): try equalChannels(samples, opaque: .max, path) { UInt16($0) }
    case .uint16(let samples): try equalChannels(samples, opaque: .max, path) { $0 }
    case .float32(let samples): try equalChannels(samples, opaque: white, path) { UInt16(exactly: $0) }
    }
  }

  private func equalChannels<Sample: Equatable>(
    _ samples: [Sample], opaque: Sample, _ path: String, _ label: (Sample) -> UInt16?
  ) throws(ImageError) -> [UInt16] {
    let (count, colors) = (layout.count, layout.count - (layout.hasAlpha ? 1 : 0))
    var labels: [UInt16] = []
    labels.reserveCapacity(width * height)
    for pixel in 0..<width * height {
      let first = pixel * count
      for channel in 1..<max(colors, 1) where samples[first + channel] != samples[first] {
        throw noSingleValue(path, "its channels differ at \(place(pixel)); a palette says which colour is which label")
      }
      guard !layout.hasAlpha || samples[first + colors] == opaque else {
        throw noSingleValue(path, "\(place(pixel)) is not opaque")
      }
      guard let label = label(samples[first]) else {
        throw ImageError(path, .notLabels(reason: "\(samples[first]) (\(place(pixel))) is no label from 0 to 65535"))
      }
      labels.append(label)
    }
    return labels
  }

  private func noSingleValue(_ path: String, _ reason: String) -> ImageError {
    let kind =
      switch layout {
      case .grey: "grey"
      case .greyAlpha: "grey with alpha"
      case .rgb: "RGB"
      case .rgba: "RGB with alpha"
      case .bands(let count): "of \(count) bands"
      }
    return ImageError(
      path, .notLabels(reason: "its pixels are \(kind), so no single value is the label: \(reason)"))
  }

  /// Returns the labels of the pixels' colours. Colours of 16 bits per channel are looked up if they are 8-bit colours scaled to 16.
  fileprivate func labels(by table: LabelColors, _ path: String) throws(ImageError) -> [UInt16] {
    switch samples {
    case .uint8(let samples): try labels(by: table, samples, path) { $0 }
    case .uint16(let samples): try labels(by: table, samples, path) { $0 % 257 == 0 ? UInt8($0 / 257) : nil }
    case .float32:
      throw ImageError(
        path, .notLabels(reason: "its colours are floating-point numbers, and the palette's have 8 bits"))
    }
  }

  private func labels<Sample: FixedWidthInteger>(
    by table: LabelColors, _ samples: [Sample], _ path: String, _ level: (Sample) -> UInt8?
  ) throws(ImageError) -> [UInt16] {
    let count = layout.count
    var labels: [UInt16] = []
    labels.reserveCapacity(width * height)
    var (last, label): ((Sample, Sample, Sample)?, UInt16) = (nil, 0)
    for pixel in 0..<width * height {
      let first = pixel * count
      guard !layout.hasAlpha || samples[first + 3] == .max else {
        throw ImageError(
          path, .notLabels(reason: "its pixels have alpha, and that of \(place(pixel)) is not opaque"))
      }
      let (red, green, blue) = (samples[first], samples[first + 1], samples[first + 2])
      if last.map({ $0 != (red, green, blue) }) ?? true {
        var meaning = LabelColors.Meaning.none
        if let red = level(red), let green = level(green), let blue = level(blue) {
          meaning = table.meaning(of: Palette.Color(red, green, blue))
        }
        var color: String { "the colour \(red) \(green) \(blue) (\(place(pixel)))" }
        switch meaning {
        case .label(let found): label = found
        case .none: throw ImageError(path, .notLabels(reason: "\(color) is none of the palette's"))
        case .ambiguous(let one, let other):
          throw ImageError(path, .notLabels(reason: "\(color) is that of two labels, \(one) and \(other)"))
        }
        last = (red, green, blue)
      }
      labels.append(label)
    }
    return labels
  }
}
