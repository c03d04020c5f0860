import Foundation
import SegEngine

/// How images go into a network and labels come out of it, as a small JSON file keeps it beside the weights (`net.json` beside
/// `net.onnx`). Every key may be left out.
public struct PredictionSettings: Codable, Sendable, Hashable {
  /// What the network's output is.
  public enum Output: String, Codable, Sendable, CaseIterable {
    /// Logits: the largest wins, or the sigmoid of the only one is compared with the threshold.
    case logits
    /// Probabilities: the largest wins, or the only one is compared with the threshold.
    case probabilities
    /// One map, brought to 0 … 1 by its least and largest value and compared with the threshold.
    case saliency
  }

  /// Height and width of the network's input; left out, the image keeps its size, padded to multiples of ``multiple``.
  public var size: [Int]?
  /// `stretch` or `letterbox`, where there is a size.
  public var fit: String?
  /// What an image that keeps its size is padded to a multiple of.
  public var multiple: Int?
  /// `rgb`, `bgr`, `grey`, or `bands`: the samples of a pixel as they lie.
  public var channels: String?
  /// What the value 1 is: `white`, `imageMaximum` or `step` (values from 0 to 255).
  public var range: String?
  /// Subtracted from each channel.
  public var mean: [Float]?
  /// What each channel is divided by.
  public var deviation: [Float]?
  /// `nchw` or `nhwc`: the order of axes of the file's image input.
  public var layout: String?
  /// What the output is.
  public var output: Output?
  /// The probability or saliency above which a pixel is foreground.
  public var threshold: Float?

  /// Settings that leave everything to the defaults.
  public init() {}

  /// Reads JSON.
  ///
  /// - Throws: ``SettingsError`` naming the key that does not fit.
  public init(json: [UInt8]) throws(SettingsError) {
    do {
      self = try JSONDecoder().decode(PredictionSettings.self, from: Data(json))
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch DecodingError.dataCorrupted(let context) {
      throw SettingsError(PredictionSettings.key(context) + context.debugDescription)
    } catch {
      throw SettingsError("is no JSON object")
    }
  }

  private static func key(_ context: DecodingError.Context) -> String {
    context.codingPath.isEmpty ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": "
  }

  /// The settings with those of another where these say nothing.
  public func completed(by other: PredictionSettings) -> PredictionSettings {
    var result = self
    result.size = size ?? other.size
    result.fit = fit ?? other.fit
    result.multiple = multiple ?? other.multiple
    result.channels = channels ?? other.channels
    result.range = range ?? other.range
    result.mean = mean ?? other.mean
    result.deviation = deviation ?? other.deviation
    result.layout = layout ?? other.layout
    result.output = output ?? other.output
    result.threshold = threshold ?? other.threshold
    return result
  }

  /// The preprocessing of a network of so many input channels.
  ///
  /// By default colour, white as 1, ImageNet's mean and deviation; for one channel grey, for two or more than three the bands as
  /// they lie, and neither.
  ///
  /// - Throws: ``SettingsError`` naming the key that does not fit.
  public func preprocessing(inputChannels: Int) throws(SettingsError) -> Preprocessing {
    let kind = channels ?? (inputChannels == 1 ? "grey" : inputChannels == 3 ? "rgb" : "bands")
    guard let channels = Preprocessing.Channels(named: kind, count: inputChannels) else {
      throw SettingsError("channels: \(kind) is not rgb, bgr, grey or bands")
    }
    guard channels.count == inputChannels else {
      throw SettingsError("channels: \(kind) has \(channels.count) channels, the network takes \(inputChannels)")
    }
    let ranges: [String: Preprocessing.Range] = ["white": .white, "imageMaximum": .imageMaximum, "step": .step]
    guard let range = ranges[range ?? "white"] else {
      throw SettingsError("range: \(range ?? "") is not white, imageMaximum or step")
    }
    func numbers(_ values: [Float]?, _ fallback: [Float], _ name: String) throws(SettingsError) -> [Float] {
      let values =
        values
        ?? (channels == .rgb
          ? fallback : channels == .bgr ? fallback.reversed() : [fallback == Preprocessing.imageNetMean ? 0 : 1])
      guard values.count == 1 || values.count == channels.count, values.allSatisfy(\.isFinite) else {
        throw SettingsError("\(name): \(values) is not one number, or one for each of \(channels.count) channels")
      }
      return values
    }
    let mean = try numbers(mean, Preprocessing.imageNetMean, "mean")
    let deviation = try numbers(deviation, Preprocessing.imageNetDeviation, "deviation")
    guard deviation.allSatisfy({ $0 > 0 }) else { throw SettingsError("deviation: \(deviation) is not positive") }
    return Preprocessing(channels: channels, fit: try imageFit(), range: range, mean: mean, deviation: deviation)
  }

  private func imageFit() throws(SettingsError) -> Preprocessing.Fit {
    guard let size else {
      let multiple = multiple ?? 32
      guard (1...4096).contains(multiple) else { throw SettingsError("multiple: \(multiple) is not 1 to 4096") }
      return .keep(multipleOf: multiple)
    }
    guard (1...2).contains(size.count), size.allSatisfy({ (1...65536).contains($0) }) else {
      throw SettingsError("size: \(size) is not a height and a width of 1 to 65536")
    }
    let extent = Extent2D(size[0], size[size.count - 1])
    switch fit ?? "stretch" {
    case "stretch": return .stretch(extent)
    case "letterbox": return .letterbox(extent)
    default: throw SettingsError("fit: \(fit ?? "") is not stretch or letterbox")
    }
  }

  /// What makes labels out of a network of so many output channels.
  ///
  /// - Throws: ``SettingsError`` where a threshold is not between 0 and 1, or the network has several classes.
  public func postprocessing(outputChannels: Int) throws(SettingsError) -> Postprocessing {
    if outputChannels > 1 {
      if threshold != nil || output == .saliency {
        throw SettingsError("a threshold is for networks of one output channel, not \(outputChannels)")
      }
      return .argmax
    }
    let threshold = threshold ?? 0.5
    guard threshold > 0, threshold < 1 else { throw SettingsError("threshold: \(threshold) is not between 0 and 1") }
    switch output ?? .logits {
    case .logits: return .threshold(threshold)
    case .probabilities: return .probabilityThreshold(threshold)
    case .saliency: return .saliencyThreshold(threshold)
    }
  }
}

/// Settings that make no sense.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The key and what is wrong with it.
  public let description: String

  init(_ description: String) { self.description = description }
}
