import Foundation
import SegEngine

/// The settings of preprocessing and postprocessing, stored in a small JSON file beside the weights (`net.json` beside
/// `net.onnx`). Every key is optional; an unknown key is an error.
public struct PredictionSettings: Codable, Sendable, Hashable {
  /// The meaning of the network's output.
  public typealias Output = OutputMeaning

  /// Height and width of the network's input. If absent, the image keeps its size and is padded to multiples of
  /// ``multiple``.
  public var size: [Int]?
  /// `stretch` or `letterbox`, if ``size`` is set.
  public var fit: String?
  /// The resampling method: `antialiased`, `bilinear`, `nearest`, `area`, `bicubic` or `lanczos`
  /// (``Preprocessing/Resampling``).
  public var resampling: String?
  /// An image that keeps its size is padded to multiples of this number.
  public var multiple: Int?
  /// `rgb`, `bgr` or `grey`, or `bands` for the samples of a pixel in storage order.
  public var channels: String?
  /// The scaling of samples: `white` (white is 1), `imageMaximum` (the largest value in the image is 1) or `step` (no
  /// scaling, 0 to 255).
  public var range: String?
  /// The mean, subtracted from each channel.
  public var mean: [Float]?
  /// The deviation that each channel is divided by.
  public var deviation: [Float]?
  /// The axis order of the image input in the file: `nchw`, `nhwc`, `chw`, `hwc`, `nhw` or `hw`.
  public var layout: String?
  /// The meaning of the output.
  public var output: Output?
  /// The name of the output to use, if the file has several.
  public var outputName: String?
  /// The probability or saliency above which a pixel is foreground.
  public var threshold: Float?
  /// The names of the labels from 0, one for each.
  public var classNames: [String]?
  /// The colours of the labels from 0 as `#rrggbb`, one for each.
  public var palette: [String]?

  /// Creates settings without any value, so that all defaults apply.
  public init() {}

  /// The JSON names of all settings.
  public static let keys = CodingKeys.allCases.map(\.rawValue)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case size, fit, resampling, multiple, channels, range, mean, deviation, layout, output, outputName, threshold
    case classNames, palette
  }

  /// Reads JSON.
  ///
  /// - Throws: ``SettingsError`` with the key that is unknown or has an invalid value.
  public init(json: [UInt8]) throws(SettingsError) {
    let keys: [String]
    do {
      keys = try JSONDecoder().decode(KeysOfObject.self, from: Data(json)).keys
    } catch {
      throw SettingsError("is not a JSON object")
    }
    if let unknown = keys.sorted().first(where: { CodingKeys(rawValue: $0) == nil }) {
      throw SettingsError(
        "there is no setting \"\(unknown)\"; there are \(Self.keys.joined(separator: ", "))"
          + unknown.suggestion(among: Self.keys))
    }
    do {
      self = try JSONDecoder().decode(PredictionSettings.self, from: Data(json))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch DecodingError.dataCorrupted(let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch {
      throw SettingsError("is not a JSON object")
    }
    try validate()
  }

  private static func key(_ context: DecodingError.Context) -> String {
    context.codingPath.isEmpty ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": "
  }

  /// Throws if a value is invalid for every network.
  ///
  /// - Throws: ``SettingsError`` with the key.
  public func validate() throws(SettingsError) {
    func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(SettingsError) {
      if !holds { throw SettingsError(complaint()) }
    }
    func oneOf(_ key: CodingKeys, _ value: String?, _ known: [String]) throws(SettingsError) {
      guard let value else { return }
      try require(
        known.contains(value),
        "\(key.rawValue): \(value) is not one of \(known.joined(separator: ", "))\(value.suggestion(among: known))")
    }
    if let size {
      try require(
        (1...2).contains(size.count) && size.allSatisfy { (1...65536).contains($0) },
        "size: \(size) is not a height and a width of 1 to 65536")
    }
    try oneOf(.fit, fit, ["stretch", "letterbox"])
    try oneOf(.resampling, resampling, Preprocessing.Resampling.allCases.map(\.rawValue))
    if let multiple { try require((1...4096).contains(multiple), "multiple: \(multiple) is not 1 to 4096") }
    try oneOf(.channels, channels, ["rgb", "bgr", "grey", "bands"])
    try oneOf(.range, range, Self.ranges.keys.sorted())
    if let mean { try require(!mean.isEmpty && mean.allSatisfy(\.isFinite), "mean: \(mean) is no list of numbers") }
    if let deviation {
      try require(
        !deviation.isEmpty && deviation.allSatisfy { $0 > 0 && $0.isFinite }, "deviation: \(deviation) is not positive")
    }
    try oneOf(.layout, layout, ["nchw", "nhwc", "chw", "hwc", "nhw", "hw"])
    if let threshold { try require(threshold > 0 && threshold < 1, "threshold: \(threshold) is not between 0 and 1") }
    if let classNames { try require(!classNames.isEmpty, "classNames: there are no names") }
    if let palette {
      try require((1...256).contains(palette.count), "palette: \(palette.count) colours are not 1 to 256")
      for color in palette {
        try require(Palette.Color(color) != nil, "palette: \(color) is not a colour such as #804080")
      }
    }
  }

  private static let ranges: [String: Preprocessing.Range] = [
    "white": .white, "imageMaximum": .imageMaximum, "percentiles": .percentiles, "step": .unscaled,
  ]

  /// The settings, with those of another value where these are absent.
  public func completed(by other: PredictionSettings) -> PredictionSettings {
    var result = self
    result.size = size ?? other.size
    result.fit = fit ?? other.fit
    result.resampling = resampling ?? other.resampling
    result.multiple = multiple ?? other.multiple
    result.channels = channels ?? other.channels
    result.range = range ?? other.range
    result.mean = mean ?? other.mean
    result.deviation = deviation ?? other.deviation
    result.layout = layout ?? other.layout
    result.output = output ?? other.output
    result.outputName = outputName ?? other.outputName
    result.threshold = threshold ?? other.threshold
    result.classNames = classNames ?? other.classNames
    result.palette = palette ?? other.palette
    return result
  }

  /// The preprocessing for a network with a number of input channels.
  ///
  /// Defaults: three channels are colours, with white as 1 and ImageNet's mean and deviation. One channel is grey, and
  /// other numbers of channels are the image's bands, both without mean and deviation. If only one of mean and
  /// deviation is set, or values range from 0 to 255, ImageNet's values are not used.
  ///
  /// - Throws: ``SettingsError`` with the key that does not match the network.
  public func preprocessing(inputChannels: Int) throws(SettingsError) -> Preprocessing {
    try validate()
    let kind = channels ?? (inputChannels == 1 ? "grey" : inputChannels == 3 ? "rgb" : "bands")
    guard let channels = Preprocessing.Channels(named: kind, count: inputChannels),
      channels.count == inputChannels
    else {
      throw SettingsError("channels: the network takes \(inputChannels), which is not \(kind)")
    }
    let isImageNet = mean == nil && deviation == nil && range != "step"
    func numbers(_ values: [Float]?, _ imageNet: [Float], else neutral: Float, _ name: String) throws(SettingsError)
      -> [Float]
    {
      let colors = !isImageNet ? nil : channels == .rgb ? imageNet : channels == .bgr ? imageNet.reversed() : nil
      let values = values ?? colors ?? [neutral]
      guard values.count == 1 || values.count == channels.count else {
        throw SettingsError("\(name): \(values) is neither one number nor one for each of \(channels.count) channels")
      }
      return values
    }
    var preprocessing = Preprocessing(
      channels: channels, fit: imageFit, range: Self.ranges[range ?? "white"] ?? .white,
      mean: try numbers(mean, Preprocessing.imageNetMean, else: 0, "mean"),
      deviation: try numbers(deviation, Preprocessing.imageNetDeviation, else: 1, "deviation"))
    if let resampling { preprocessing.resampling = .init(rawValue: resampling) ?? .antialiased }
    return preprocessing
  }

  private var imageFit: Preprocessing.Fit {
    guard let size else { return .keep(multipleOf: multiple ?? 32) }
    let extent = Extent2D(height: size[0], width: size[size.count - 1])
    return fit == "letterbox" ? .letterbox(extent) : .stretch(extent)
  }

  /// The names and colours of the labels; `nil` if neither is set. Without colours the palette is `Palette.distinct`.
  ///
  /// - Parameter classes: The number of labels; `nil` if it is unknown, as for a network whose output is labels.
  /// - Throws: ``SettingsError`` if there is not one name and one colour for each label.
  public func classList(classes: Int?) throws(SettingsError) -> ClassList? {
    try validate()
    func requireCount(_ key: CodingKeys, _ count: Int?, _ expected: Int?, _ what: String) throws(SettingsError) {
      guard let count, let expected, count != expected else { return }
      throw SettingsError("\(key.rawValue): \(count) \(what) are not one for each of \(expected) classes")
    }
    try requireCount(.classNames, classNames?.count, classes, "names")
    try requireCount(.palette, palette?.count, classes ?? classNames?.count, "colours")
    guard classNames != nil || palette != nil else { return nil }
    let colors = palette?.compactMap { Palette.Color($0) }
    return ClassList(names: classNames ?? [], palette: colors.map { Palette($0) } ?? .distinct)
  }

  /// The postprocessing for a network with a number of output channels.
  ///
  /// - Throws: ``SettingsError`` if a threshold is not between 0 and 1, or does not apply to the output.
  public func postprocessing(outputChannels: Int) throws(SettingsError) -> Postprocessing {
    try validate()
    if output == .labels {
      guard threshold == nil else { throw SettingsError("a threshold applies to probabilities, not to labels") }
      guard outputChannels == 1 else { throw SettingsError("output: labels have one channel, not \(outputChannels)") }
      return .labels
    }
    if output == .multilabel || output == .multilabelProbabilities { return .independent(threshold ?? 0.5) }
    if outputChannels > 1 {
      if threshold != nil || output == .saliency {
        throw SettingsError(
          "a threshold needs a network with one output channel, not \(outputChannels), or output `multilabel`")
      }
      return output == .probabilities ? .largestProbability : .argmax
    }
    let threshold = threshold ?? 0.5
    switch output ?? .logits {
    case .logits, .labels, .multilabel, .multilabelProbabilities: return .threshold(threshold)
    case .probabilities: return .probabilityThreshold(threshold)
    case .saliency: return .saliencyThreshold(threshold)
    }
  }
}

/// The keys of a JSON object, with values of any type.
private struct KeysOfObject: Decodable {
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  let keys: [String]

  init(from decoder: any Decoder) throws {
    keys = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
  }
}
