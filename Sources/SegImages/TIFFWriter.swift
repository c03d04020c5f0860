import CTIFFShim
import SegEngine
import Synchronization

/// Writes the labels or probabilities of an image as a TIFF file, some rows at a time, as they are computed.
///
///     let scene = try ImageFile(contentsOf: "scene.tif")
///     let mask = try TIFFWriter(
///       to: "mask.tif", width: scene.width, height: scene.height, content: .labels(classes: 5),
///       options: .init(georeference: scene.georeference))
///     try predictor.labels(for: scene, in: tiling) { labels, _ in try mask.append(labels) }
///     try mask.finish()
///
/// The file appears with ``finish()``. Before that a file of the same name stays as it was, and nothing is left of one that is never
/// finished, as after an error. The rows of one strip or one row of tiles are in memory.
public final class TIFFWriter: Sendable {
  /// What the samples are.
  public enum Content: Sendable, Hashable {
    /// Labels from 0 to 255, 8 bits each.
    case labels8
    /// Labels from 0 to 65535, 16 bits each.
    case labels16
    /// The probabilities of a number of classes at each pixel, float32.
    case probabilities32(classes: Int)
    /// The probabilities of a number of classes at each pixel as integers of 16 bits, 65535 for 1.
    case probabilities16(classes: Int)

    /// Labels below a number of classes, with 8 bits if they suffice, else 16.
    public static func labels(classes: Int) -> Content { classes <= 256 ? .labels8 : .labels16 }
  }

  /// How pixels are grouped in the file.
  public enum Arrangement: Sendable, Hashable {
    /// Tiles of 256 × 256 pixels if the image is wider than 1024 pixels, else strips.
    case automatic
    /// Strips of the image's width, of about 64 KiB.
    case strips
    /// Square tiles whose extent in pixels is a multiple of 16, as TIFF 6.0 demands.
    case tiles(Int)
  }

  /// How the file is written.
  public struct Options: Sendable, Equatable {
    /// How pixels are grouped.
    public var arrangement: Arrangement
    /// Whether samples are compressed, by deflate; probabilities after the differences between neighbours.
    public var isCompressed: Bool
    /// The colours in which viewers show labels of 8 bits; `nil` for grey. Other content has no palette.
    public var palette: Palette?
    /// The georeference, whose tags are written as they are, but for the one about missing data.
    public var georeference: Georeference?
    /// The label that stands for missing data, written as GDAL's tag; `nil` for none.
    public var noDataLabel: UInt16?
    /// Whether the file is a BigTIFF; `nil` if it is one only if it might exceed 4 GiB otherwise.
    public var isBigTIFF: Bool?

    /// Creates options.
    public init(
      arrangement: Arrangement = .automatic, isCompressed: Bool = true, palette: Palette? = nil,
      georeference: Georeference? = nil, noDataLabel: UInt16? = nil, isBigTIFF: Bool? = nil
    ) {
      self.arrangement = arrangement
      self.isCompressed = isCompressed
      self.palette = palette
      self.georeference = georeference
      self.noDataLabel = noDataLabel
      self.isBigTIFF = isBigTIFF
    }
  }

  /// The path that the caller gave.
  public let path: String
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// What the samples are.
  public let content: Content
  private let encoder: Mutex<TIFFEncoder>

  /// Begins a file.
  ///
  /// - Parameters:
  ///   - path: The file. One that is there is replaced by ``finish()``.
  ///   - width: Width in pixels.
  ///   - height: Height in pixels.
  ///   - content: What the samples are.
  ///   - options: How the file is written.
  /// - Precondition: There is at least one class, and tiles have an extent that is a positive multiple of 16.
  /// - Throws: ``ImageError`` if the file cannot be created, or TIFF has no such image.
  public init(
    to path: String, width: Int, height: Int, content: Content, options: Options = Options()
  ) throws(ImageError) {
    self.path = path
    self.width = width
    self.height = height
    self.content = content
    let encoder = try TIFFEncoder(
      replacing: path, TIFFWriter.layout(width: width, height: height, content, options))
    if let georeference = options.georeference {
      try georeference.forEachTag { (tag, count, bytes) throws(ImageError) in
        try encoder.set(tag, count: count, bytes)
      }
    }
    if let label = options.noDataLabel {
      let text = Array("\(label)".utf8) + [0]
      try encoder.set(Int(SEGIO_TIFF_NO_DATA), count: text.count, text)
    }
    self.encoder = Mutex(encoder)
  }

  static func layout(width: Int, height: Int, _ content: Content, _ options: Options) -> TIFFEncoder.Layout {
    let (element, channels, predictor): (TIFFEncoder.Layout.Element, Int, TIFFEncoder.Layout.Predictor) =
      switch content {
      // Runs of equal labels are short as they are.
      case .labels8: (.uint8, 1, .none)
      case .labels16: (.uint16, 1, .none)
      case .probabilities32(let classes): (.float32, classes, .floatingPoint)
      case .probabilities16(let classes): (.uint16, classes, .horizontal)
      }
    precondition((1...65535).contains(channels), "\(channels) classes")
    let tile: Int? =
      switch options.arrangement {
      case .automatic: width > 1024 ? 256 : nil
      case .strips: nil
      case .tiles(let extent): extent
      }
    if let tile { precondition(tile > 0 && tile % 16 == 0, "tiles of \(tile) pixels") }
    let rowByteCount = max(1, width * channels * element.byteCount)
    return TIFFEncoder.Layout(
      width: width, height: height, element: element, channels: channels, isCompressed: options.isCompressed,
      predictor: predictor, tileWidth: tile, blockHeight: tile ?? max(1, 65536 / rowByteCount),
      colorMap: content == .labels8 ? options.palette.map(colorMap) : nil, isBig: options.isBigTIFF)
  }

  /// 256 colours as red, then green, then blue of 16 bits.
  private static func colorMap(_ palette: Palette) -> [UInt16] {
    let colors = (0..<256).map { palette[UInt16($0)] }
    return [\Palette.Color.red, \.green, \.blue].flatMap { channel in colors.map { UInt16($0[keyPath: channel]) * 257 }
    }
  }

  /// Appends rows of labels.
  ///
  /// - Precondition: The content is labels, the rows have the image's width, and the image has that many further rows.
  /// - Throws: ``ImageError`` if the file cannot be written, or if a label exceeds 255 and labels have 8 bits.
  public func append(_ labels: LabelMap) throws(ImageError) {
    precondition(labels.width == width, "rows of \(labels.width) labels for an image of \(width)")
    try encoder.withLock { (encoder) throws(ImageError) in
      try encoder.append(rows: labels.height) { (row, target) throws(ImageError) in
        let first = row * width
        switch content {
        case .labels8:
          for column in 0..<width {
            let label = labels.labels[first + column]
            guard let byte = UInt8(exactly: label) else {
              throw ImageError(path, .cannotEncode(reason: "label \(label) exceeds 255, the largest of 8 bits"))
            }
            target[column] = byte
          }
        case .labels16:
          labels.labels.withUnsafeBytes { bytes in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[2 * first..<2 * (first + width)]))
          }
        case .probabilities32, .probabilities16: preconditionFailure("labels for a file of probabilities")
        }
      }
    }
  }

  /// Appends rows of probabilities, float32 `[rows, width, classes]`.
  ///
  /// In files of 16 bits probabilities are rounded to the nearest integer; numbers below 0 and above 1 are taken as 0 and 1, and what is not
  /// a number as 0.
  ///
  /// - Precondition: The content is probabilities, the tensor has the image's width and classes, and the image has that many further rows.
  /// - Throws: ``ImageError`` if the file cannot be written.
  public func append(_ probabilities: Tensor) throws(ImageError) {
    let classes: Int =
      switch content {
      case .probabilities32(let classes), .probabilities16(let classes): classes
      case .labels8, .labels16: preconditionFailure("probabilities for a file of labels")
      }
    let shape = probabilities.shape
    precondition(
      shape.rank == 3 && shape[1] == width && shape[2] == classes && probabilities.elementType == .float32,
      "probabilities \(shape) for rows of \(width) pixels of \(classes) classes")
    let count = width * classes
    try encoder.withLock { (encoder) throws(ImageError) in
      try encoder.append(rows: shape[0]) { row, target in
        probabilities.withUnsafeElements(of: Float.self) { values in
          let values = UnsafeBufferPointer(rebasing: values[row * count..<(row + 1) * count])
          guard case .probabilities16 = content else { return target.copyMemory(from: UnsafeRawBufferPointer(values)) }
          let stored = target.bindMemory(to: UInt16.self)
          for index in 0..<count {
            let value = values[index]
            stored[index] = value > 0 ? UInt16((Double(min(value, 1)) * 65535).rounded()) : 0
          }
        }
      }
    }
  }

  /// Completes the file, which then appears under its name.
  ///
  /// - Precondition: All rows were appended, and the file was not finished before.
  /// - Throws: ``ImageError`` if the file cannot be written. Then there is none, or the one that was there before.
  public func finish() throws(ImageError) {
    try encoder.withLock { (encoder) throws(ImageError) in try encoder.finish() }
  }
}

extension LabelMap {
  /// Writes the labels as a TIFF file: with 8 bits per label, or with 16 if a label exceeds 255. `init(contentsOf:reading:limits:)` gives
  /// the same labels in both cases.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - georeference: The georeference of the image, whose tags are written as they are, but for the one about missing data.
  ///   - palette: The colours in which viewers show labels of 8 bits; `nil` for grey.
  /// - Throws: ``ImageError`` if the file cannot be written, or the map has no pixels.
  public func writeTIFF(
    to path: String, georeference: Georeference? = nil, palette: Palette? = nil
  ) throws(ImageError) {
    let writer = try TIFFWriter(
      to: path, width: width, height: height, content: .labels(classes: Int(labels.max() ?? 0) + 1),
      options: .init(palette: palette, georeference: georeference))
    try writer.append(self)
    try writer.finish()
  }
}
