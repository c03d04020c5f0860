import CTIFFShim
import SegEngine
import SegFiles

/// A page of a TIFF file, with a validated header.
///
/// Supported are integers of 1 to 16 bits, packed or not, and of 32 and 64 bits, signed or not; floating-point samples of 16, 32 and 64
/// bits; grey, palette, RGB, CMYK, YCbCr and CIELab, with alpha or any number of further bands; strips or tiles, interleaved or planar;
/// and every compression that libtiff was built with.
final class TIFFDecoder {
  private let input: TIFFInput
  private let path: String
  private let tiff: OpaquePointer
  private let header: segio_tiff_header
  private let photometric: Photometric
  private let blocks: TIFFBlocks
  private let limits: ImageLimits

  private enum Photometric: UInt16 {
    case whiteIsZero = 0
    case blackIsZero = 1
    case rgb = 2
    case palette = 3
    case cmyk = 5
    case yCbCr = 6
    case cieLab = 8

    var colors: Int {
      switch self {
      case .whiteIsZero, .blackIsZero, .palette: 1
      case .rgb, .yCbCr, .cieLab: 3
      case .cmyk: 4
      }
    }
  }

  /// Opens a page that is decoded as a whole.
  convenience init(
    _ file: FileBytes, named path: String, page: Int = 1, limits: ImageLimits, _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) {
    try self.init(.bytes(file), named: path, page: page, limits: limits, cacheByteCount: nil, &warnings)
  }

  /// Opens a page.
  ///
  /// - Parameter cacheByteCount: The bytes of decoded strips or tiles to keep, for a page that is decoded region by region. The limits
  ///   are then those of a strip or tile. `nil` for a page that is decoded as a whole.
  init(
    _ input: TIFFInput, named path: String, page: Int, limits: ImageLimits, cacheByteCount: Int?,
    _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) {
    var header = segio_tiff_header()
    var message = MessageBuffer(capacity: Int(SEGIO_TIFF_MESSAGE_SIZE))
    // The largest allocation of libtiff is a strip or tile: per pixel four samples of eight bytes, or more, smaller ones.
    let allocation = limits.maximumPixels.multipliedReportingOverflow(by: 32)
    let maximumAllocation = allocation.overflow ? Int.max : max(allocation.partialValue, 1 << 20)
    guard let tiff = input.open(page: page, maximumAllocation: maximumAllocation, &header, &message) else {
      let pages = Int(header.page_count)
      throw ImageError(
        path, pages > 0 && page > pages ? .noPage(page, of: pages) : .corrupt(format: "TIFF", reason: message.text))
    }
    self.input = input
    self.limits = limits
    self.path = path
    self.tiff = tiff
    self.header = header
    // All properties are set before the first throw, so that `deinit` closes the file.
    let known = Photometric(rawValue: header.photometric)
    photometric =
      header.has_photometric ? known ?? .blackIsZero : header.samples >= 3 ? .rgb : .blackIsZero
    blocks = TIFFBlocks(tiff, header, cacheByteCount: cacheByteCount ?? 0)
    if header.page_count > 1 { warnings.append(.furtherPages(page: page, of: Int(header.page_count))) }
    if header.is_reduced {
      warnings.append(
        .assumed("its pages are reduced copies of a picture that is not read, as in raw files of cameras"))
    }
    let (width, height) = (Int(header.width), Int(header.height))
    guard width > 0, height > 0, header.samples > 0 else { throw corrupt("it has no pixels") }
    if cacheByteCount == nil {
      try limits.check(width: width, height: height, samples: Int(header.samples), of: path)
    }
    if !header.has_photometric {
      warnings.append(
        .assumed("it does not say what its samples mean; taken as \(photometric == .rgb ? "RGB" : "grey, black zero")"))
    } else if known == nil {
      let names: [UInt16: String] = [
        4: "mask of transparency", 9: "ICCLab", 10: "ITULab", 32803: "unprocessed colour filter array", 32844: "LogL",
        32845: "LogLuv", 34892: "unprocessed sensor values", 51177: "depth map",
      ]
      let name = names[header.photometric] ?? "number \(header.photometric)"
      throw unsupported("photometric interpretation \(name)")
    }
    guard let element = blocks.element else {
      let kinds: [UInt16: String] = [2: "signed", 3: "floating-point", 5: "complex", 6: "complex"]
      throw unsupported("\(kinds[header.sample_format] ?? "integer") samples of \(header.bits) bits")
    }
    guard photometric != .palette || element.isSmallInteger && header.samples <= 2 else {
      throw unsupported("a palette of \(header.bits) bits and \(header.samples) samples a pixel")
    }
    guard Int(header.samples) >= photometric.colors || photometric == .cmyk && header.ink_set != 1 else {
      throw unsupported("\(header.samples) samples a pixel where colours have \(photometric.colors)")
    }
    if isConverted {
      guard header.bits == 8 || photometric == .cieLab && header.bits == 16 else {
        throw unsupported("\(photometric == .yCbCr ? "YCbCr" : "CIELab") of \(header.bits) bits")
      }
      try blocks.checkExtents(of: path)
    } else {
      try blocks.check(fileCount: input.count, of: path)
    }
    if cacheByteCount != nil { try checkRegions() }
  }

  deinit { segio_tiff_close(tiff) }

  /// Whether libtiff converts the samples to RGB.
  private var isConverted: Bool { photometric == .yCbCr || photometric == .cieLab }

  /// Whether a pixel is one grey value or one palette index, without alpha.
  var isSingleChannel: Bool { photometric.colors == 1 && header.samples == 1 }

  /// The size of the picture in its upright orientation.
  var pictureSize: (width: Int, height: Int) {
    let (width, height) = (Int(header.width), Int(header.height))
    return orientation.swapsAxes ? (height, width) : (width, height)
  }

  /// Reads the georeference of the page; `nil` if it has none. If the picture's rows are not those of the file, for which the georeference
  /// is meant, only the tag for missing data is left.
  func georeference(_ warnings: inout [ImageWarning.Kind]) -> Georeference? {
    guard let georeference = Georeference(tagsOf: tiff) else { return nil }
    guard orientation != .upright else { return georeference }
    var rest = Georeference()
    rest.noData = georeference.noData
    guard georeference != rest else { return georeference }
    warnings.append(.assumed("its georeference is not used, as its orientation turns the rows that it is for"))
    return rest.noData == nil ? nil : rest
  }

  /// Refuses a page whose regions need more memory than the limits allow.
  private func checkRegions() throws(ImageError) {
    let (width, height) = blocks.blockSize
    do {
      try limits.check(width: width, height: height, samples: header.is_planar ? 1 : Int(header.samples), of: path)
    } catch {
      throw unsupported(
        "a strip or tile of \(width)×\(height) pixels exceeds the limit of \(limits.maximumPixels) pixels")
    }
    // A column of the file is a row of the picture and lies in all strips.
    guard orientation.swapsAxes, !header.is_tiled else { return }
    do {
      try limits.check(width: Int(header.width), height: Int(header.height), samples: Int(header.samples), of: path)
    } catch {
      throw unsupported(
        "its orientation \(orientation.rawValue) turns strips by 90°, so that it must be decoded as a whole, and "
          + "\(header.width)×\(header.height) pixels exceed the limit of \(limits.maximumPixels)")
    }
  }

  /// Decodes the image in its upright orientation. Palettes are expanded, white-is-zero is inverted, CMYK becomes RGB, 1, 2 and 4 bits
  /// are scaled to 8, and all other samples are exact; premultiplied alpha is divided out. Integers that are signed or have more than 16
  /// bits become float32.
  func decodeColors(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Image {
    ranged(try colors(in: blocks.wholeRegion, &warnings), &warnings).applying(orientation)
  }

  /// Decodes a region of the picture in its upright orientation, as ``decodeColors(_:)`` does. The white is that of the sample type unless
  /// another one is given (``statedWhite(_:)``).
  func decodeColors(in region: PixelRegion, white: Float?) throws(ImageError) -> Image {
    try limits.check(width: region.width, height: region.height, samples: Int(header.samples), of: path)
    var ignored: [ImageWarning.Kind] = []
    let source = orientation.source(of: region, height: Int(header.height), width: Int(header.width))
    let image = try colors(in: source, &ignored)
    return (white.map { image.withWhite($0) } ?? image).applying(orientation)
  }

  /// Returns the white that ``decodeColors(_:)`` takes from the file; `nil` if it is that of the sample type. If the file states one, all
  /// samples are decoded, some rows of blocks at a time.
  func statedWhite(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Float? {
    guard header.has_maximum, let element = blocks.element, element.isWideInteger else { return nil }
    let whole = blocks.wholeRegion
    var largest: Float?
    var typeWhite = element.white
    var ignored: [ImageWarning.Kind] = []
    for row in stride(from: 0, to: whole.height, by: blocks.blockSize.height) {
      for column in stride(from: 0, to: whole.width, by: blocks.blockSize.width) {
        let region = PixelRegion(
          rows: row..<min(row + blocks.blockSize.height, whole.height),
          columns: column..<min(column + blocks.blockSize.width, whole.width))
        let image = try colors(in: region, &ignored)
        typeWhite = image.white
        if let sample = image.samples.largest { largest = max(largest ?? sample, sample) }
      }
    }
    return largest.flatMap { statedWhite(largest: $0, typeWhite: typeWhite, &warnings) }
  }

  /// Appends the warnings about the palette of a file that has one.
  ///
  /// - Throws: ``ImageError`` if it lacks one.
  func checkPalette(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) {
    if photometric == .palette { _ = try palette(&warnings) }
  }

  /// Decodes a region of the file, with the white of the sample type.
  private func colors(in region: PixelRegion, _ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> Image {
    if isConverted {
      return Image(
        width: region.width, height: region.height, layout: .rgb,
        samples: .uint8(try blocks.rgb(in: region, of: path)))
    }
    if photometric == .palette { return try expandingPalette(in: region, &warnings) }
    switch blocks.element {
    case .unsigned(let bits) where bits <= 8:
      var samples: [UInt8] = try blocks.integers(in: region, of: path)
      var white = UInt8((1 << bits) - 1)
      if [1, 2, 4].contains(bits) {
        for index in samples.indices { samples[index] *= 255 / white }
        white = 255
      }
      return interpreted(samples, of: region, white: white) { .uint8($0) }
    case .unsigned(let bits) where bits <= 16:
      let samples: [UInt16] = try blocks.integers(in: region, of: path)
      return interpreted(samples, of: region, white: UInt16((1 << bits) - 1)) { .uint16($0) }
    default:
      var samples: [Float] = try blocks.numbers(in: region, of: path)
      replaceNoData(in: &samples, &warnings)
      return interpreted(samples, of: region, white: blocks.element?.white ?? 1) { .float32($0) }
    }
  }

  /// Decodes palette indices or grey values as stored: unscaled, in the upright orientation. White-is-zero is inverted.
  ///
  /// - Precondition: the file has one channel.
  func decodeStoredValues() throws(ImageError) -> StoredValues {
    precondition(isSingleChannel, "stored values are those of a single channel")
    let (width, height) = (Int(header.width), Int(header.height))
    let isInverted = photometric == .whiteIsZero
    switch blocks.element {
    case .unsigned(let bits) where bits <= 16:
      var values: [UInt16] = try blocks.integers(in: blocks.wholeRegion, of: path)
      if isInverted {
        let white = UInt16((1 << bits) - 1)
        for index in values.indices { values[index] = white - values[index] }
      }
      return StoredValues(width: width, height: height, .uint16(values), areIndices: photometric == .palette).applying(
        orientation)
    default:
      var values: [Double] = try blocks.numbers(in: blocks.wholeRegion, of: path)
      if isInverted, let white = blocks.element?.white {
        for index in values.indices { values[index] = Double(white) - values[index] }
      }
      return StoredValues(width: width, height: height, .float64(values)).applying(orientation)
    }
  }

  private var orientation: ImageOrientation { ImageOrientation(rawValue: header.orientation) ?? .upright }

  private func unsupported(_ reason: String) -> ImageError {
    ImageError(path, .unsupported(format: "TIFF", reason: reason))
  }

  private func corrupt(_ reason: String) -> ImageError {
    ImageError(path, .corrupt(format: "TIFF", reason: reason))
  }

  /// Replaces samples that have the file's value for missing data by 0, as they would otherwise be very dark or bright.
  private func replaceNoData(in samples: inout [Float], _ warnings: inout [ImageWarning.Kind]) {
    let noData = Float(header.no_data)
    guard header.has_no_data, noData.isFinite, noData < 0 || noData > blocks.element?.white ?? 1 else { return }
    var count = 0
    for index in samples.indices where samples[index] == noData {
      samples[index] = 0
      count += 1
    }
    if count > 0 { warnings.append(.noData(noData, count: count)) }
  }

  /// Converts the samples by their photometric interpretation.
  private func interpreted<Sample: ColorSample>(
    _ samples: consuming [Sample], of region: PixelRegion, white: Sample, _ wrap: ([Sample]) -> Image.Samples
  ) -> Image {
    let channels = Int(header.samples)
    let layout: Image.ChannelLayout
    if photometric == .cmyk, header.ink_set == 1 {
      let hasAlpha = channels == 5 && (header.first_extra == 1 || header.first_extra == 2) && header.extra_count > 0
      samples = rgb(ofInks: samples, channels: channels, white: white, keepsAlpha: hasAlpha)
      layout = hasAlpha ? .rgba : .rgb
    } else {
      layout = self.layout
    }
    if photometric == .whiteIsZero {
      let inverted = layout.count - (layout.hasAlpha ? 1 : 0)
      for pixel in stride(from: 0, to: samples.count, by: channels) {
        for index in pixel..<pixel + inverted { samples[index] = white - samples[index] }
      }
    }
    if layout.hasAlpha, header.extra_count > 0, header.first_extra == 1 {
      samples.divideByAlpha(channels: layout.count, white: white)
    }
    return Image(
      width: region.width, height: region.height, layout: layout, samples: wrap(samples), white: white.float)
  }

  /// The channel layout of grey and RGB samples and the samples after them. One further sample without a tag is alpha, as in other
  /// readers.
  private var layout: Image.ChannelLayout {
    let hasAlpha = header.extra_count == 0 || header.first_extra == 1 || header.first_extra == 2
    switch (photometric, Int(header.samples)) {
    case (.whiteIsZero, 1), (.blackIsZero, 1): return .grey
    case (.whiteIsZero, 2) where hasAlpha, (.blackIsZero, 2) where hasAlpha: return .greyAlpha
    case (.rgb, 3): return .rgb
    case (.rgb, 4) where hasAlpha: return .rgba
    case (_, let count): return .bands(count)
    }
  }

  private func rgb<Sample: ColorSample>(
    ofInks samples: [Sample], channels: Int, white: Sample, keepsAlpha: Bool
  ) -> [Sample] {
    var result: [Sample] = []
    result.reserveCapacity(samples.count / channels * (keepsAlpha ? 4 : 3))
    for pixel in stride(from: 0, to: samples.count, by: channels) {
      for ink in pixel..<pixel + 3 { result.append(samples[ink].lessInk(samples[pixel + 3], white: white)) }
      if keepsAlpha { result.append(samples[pixel + 4]) }
    }
    return result
  }

  /// The colours of the indices, three bytes each.
  private func palette(_ warnings: inout [ImageWarning.Kind]) throws(ImageError) -> [UInt8] {
    var red: UnsafePointer<UInt16>?
    var green: UnsafePointer<UInt16>?
    var blue: UnsafePointer<UInt16>?
    guard segio_tiff_color_map(tiff, &red, &green, &blue), let red, let green, let blue else {
      throw corrupt("a palette image without a colour map")
    }
    let count = 1 << Int(header.bits)
    // Palette colours have 16 bits, but some programs write 8.
    let areBytes = (0..<count).allSatisfy { red[$0] < 256 && green[$0] < 256 && blue[$0] < 256 }
    let isBlack = (0..<count).allSatisfy { red[$0] == 0 && green[$0] == 0 && blue[$0] == 0 }
    if areBytes, !isBlack {
      warnings.append(.assumed("the colours of its palette have 8 bits instead of 16; taken so"))
    }
    let shift = areBytes ? 0 : 8
    return (0..<count).flatMap { index in
      [red, green, blue].map { UInt8(truncatingIfNeeded: $0[index] >> shift) }
    }
  }

  /// Decodes a region and replaces each index by its colour. Alpha, if present, follows the colour.
  private func expandingPalette(
    in region: PixelRegion, _ warnings: inout [ImageWarning.Kind]
  ) throws(ImageError) -> Image {
    let indices: [UInt8] = try blocks.integers(in: region, of: path)
    let palette = try palette(&warnings)
    let stride = Int(header.samples)
    let hasAlpha = stride == 2 && (header.extra_count == 0 || header.first_extra == 1 || header.first_extra == 2)
    let alphaScale = UInt8(255 / ((1 << Int(header.bits)) - 1))
    var samples: [UInt8] = []
    samples.reserveCapacity(indices.count / stride * (hasAlpha ? 4 : 3))
    for pixel in Swift.stride(from: 0, to: indices.count, by: stride) {
      let color = 3 * Int(indices[pixel])
      for channel in color..<color + 3 { samples.append(palette[channel]) }
      if hasAlpha { samples.append(indices[pixel + 1] &* alphaScale) }
    }
    return Image(
      width: region.width, height: region.height, layout: hasAlpha ? .rgba : .rgb, samples: .uint8(samples))
  }

  /// Returns the image with the white that the file's tag states, if that is plausible. Otherwise it appends a warning if little of the
  /// range is used.
  private func ranged(_ image: Image, _ warnings: inout [ImageWarning.Kind]) -> Image {
    guard let element = blocks.element, element.isWideInteger, let largest = image.samples.largest else { return image }
    if let white = statedWhite(largest: largest, typeWhite: image.white, &warnings) { return image.withWhite(white) }
    if element.isWholeBytes, let warning = image.rangeWarning(largest: largest) { warnings.append(warning) }
    return image
  }

  /// Returns the white that the file's tag states, if that is plausible for the image's largest sample and the white of the sample type.
  ///
  /// `MaxSampleValue` is either the largest possible sample (12 bits in 16) or the largest that occurs. It is taken for white if no
  /// sample exceeds it and it is at most half of the type's white. A value other than 2ⁿ − 1 gives a warning.
  private func statedWhite(largest: Float, typeWhite: Float, _ warnings: inout [ImageWarning.Kind]) -> Float? {
    let stated = header.has_maximum ? Float(header.maximum) : 0
    guard stated >= largest, stated > 0, stated * 2 <= typeWhite else { return nil }
    let isPowerLessOne = stated < 16_777_216 && stated == stated.rounded() && Int(stated) & (Int(stated) + 1) == 0
    if !isPowerLessOne { warnings.append(.statedWhite(stated)) }
    return stated
  }
}
