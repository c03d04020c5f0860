import Foundation
import SegEngine

/// How images go into a network and labels come out of it, as a small JSON file keeps it beside the weights (`net.json` beside
/// `net.onnx`). Every key may be left out; a key that is none of these is an error.
public struct PredictionSettings: Codable, Sendable, Hashable {
  /// What the network's output is.
  public typealias Output = OutputMeaning

  /// Height and width of the network's input; left out, the image keeps its size, padded to multiples of ``multiple``.
  public var size: [Int]?
  /// `stretch` or `letterbox`, where there is a size.
  public var fit: String?
  /// How images are resized: `antialiased`, `bilinear`, `nearest`, `area`, `bicubic` or `lanczos` (``Preprocessing/Resampling``).
  public var resampling: String?
  /// What an image that keeps its size is padded to a multiple of.
  public var multiple: Int?
  /// `rgb`, `bgr` or `grey`, or `bands` for the samples of a pixel as they lie.
  public var channels: String?
  /// What the value 1 is: `white`, `imageMaximum` or `step` (values from 0 to 255).
  public var range: String?
  /// Subtracted from each channel.
  public var mean: [Float]?
  /// What each channel is divided by.
  public var deviation: [Float]?
  /// The order of axes of the file's image input: `nchw`, `nhwc`, `chw`, `hwc`, `nhw` or `hw`.
  public var layout: String?
  /// What the output is.
  public var output: Output?
  /// Which of several outputs is taken, by its name in the file.
  public var outputName: String?
  /// The probability or saliency above which a pixel is foreground.
  public var threshold: Float?

  /// Settings that leave everything to the defaults.
  public init() {}

  /// The names of all settings, as a file has them.
  public static let keys = CodingKeys.allCases.map(\.rawValue)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case size, fit, resampling, multiple, channels, range, mean, deviation, layout, output, outputName, threshold
  }

  /// Reads JSON.
  ///
  /// - Throws: ``SettingsError`` naming the key that is unknown or whose value does not fit.
  public init(json: [UInt8]) throws(SettingsError) {
    let keys: [String]
    do {
      keys = try JSONDecoder().decode(KeysOfObject.self, from: Data(json)).keys
    } catch {
      throw SettingsError("is no JSON object")
    }
    if let unknown = keys.sorted().first(where: { CodingKeys(rawValue: $0) == nil }) {
      throw SettingsError("there is no setting \"\(unknown)\"; there are \(Self.keys.joined(separator: ", "))")
    }
    do {
      self = try JSONDecoder().decode(PredictionSettings.self, from: Data(json))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch DecodingError.dataCorrupted(let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch {
      throw SettingsError("is no JSON object")
    }
    try validate()
  }

  private static func key(_ context: DecodingError.Context) -> String {
    context.codingPath.isEmpty ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": "
  }

  /// Refuses values that no network takes, whether this one would ask for them or not.
  ///
  /// - Throws: ``SettingsError`` naming the key.
  public func validate() throws(SettingsError) {
    func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(SettingsError) {
      if !holds { throw SettingsError(complaint()) }
    }
    func oneOf(_ key: CodingKeys, _ value: String?, _ known: [String]) throws(SettingsError) {
      guard let value else { return }
      try require(known.contains(value), "\(key.rawValue): \(value) is not one of \(known.joined(separator: ", "))")
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
  }

  private static let ranges: [String: Preprocessing.Range] = [
    "white": .white, "imageMaximum": .imageMaximum, "step": .step,
  ]

  /// The settings with those of another where these say nothing.
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
    return result
  }

  /// The preprocessing of a network of so many input channels.
  ///
  /// By default three channels are colours, white as 1, with ImageNet's mean and deviation; one is grey, and other numbers are the
  /// image's bands, with neither. Where just one of mean and deviation is stated, or values run from 0 to 255, ImageNet's do not come in.
  ///
  /// - Throws: ``SettingsError`` naming the key that does not fit.
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
        throw SettingsError("\(name): \(values) is not one number, or one for each of \(channels.count) channels")
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
    let extent = Extent2D(size[0], size[size.count - 1])
    return fit == "letterbox" ? .letterbox(extent) : .stretch(extent)
  }

  /// What makes labels out of a network of so many output channels.
  ///
  /// - Throws: ``SettingsError`` where a threshold is not between 0 and 1, or the network has several classes.
  public func postprocessing(outputChannels: Int) throws(SettingsError) -> Postprocessing {
    try validate()
    if output == .labels {
      guard threshold == nil else { throw SettingsError("a threshold is for probabilities, not labels") }
      guard outputChannels == 1 else { throw SettingsError("output: \(outputChannels) channels are no labels") }
      return .labels
    }
    if output == .multilabel || output == .multilabelProbabilities { return .independent(threshold ?? 0.5) }
    if outputChannels > 1 {
      if threshold != nil || output == .saliency {
        throw SettingsError(
          "a threshold is for networks of one output channel, not \(outputChannels), or for output `multilabel`")
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

/// The keys of a JSON object, whatever their values are.
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

/// Settings that make no sense.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The key and what is wrong with it.
  public let description: String

  package init(_ description: String) { self.description = description }
}
