import Foundation
import SegEngine

extension PredictionSettings {
  /// Creates settings that state a preprocessing and postprocessing for a network whose input has one size.
  ///
  /// A preprocessing that keeps the image's size becomes one that stretches it, and padding is black. Saliency is that of ``Postprocessing/saliencyThreshold(_:)``:
  /// the network's output has passed the sigmoid.
  ///
  /// - Parameters:
  ///   - size: Height and width of the network's input.
  ///   - classes: The number of labels.
  package init(
    _ preprocessing: Preprocessing, _ postprocessing: Postprocessing, size: Extent2D, classes: Int,
    classList: ClassList?
  ) {
    self.init()
    self.size = [size.height, size.width]
    if case .letterbox = preprocessing.fit { fit = "letterbox" } else { fit = "stretch" }
    state(preprocessing)
    output =
      switch postprocessing {
      case .threshold, .argmax: .logits
      case .largestProbability, .probabilityThreshold: .probabilities
      case .labels: .labels
      case .saliencyThreshold, .saliencyLogits: .saliency
      case .independent: .multilabelProbabilities
      }
    if case .independent(let value) = postprocessing { threshold = value } else { threshold = postprocessing.threshold }
    guard let classList else { return }
    if classList.names.count == classes { classNames = classList.names }
    if classes <= 256 { palette = (0..<classes).map { classList.palette[UInt16($0)].description } }
  }

  /// Creates settings that state the preprocessing of a network for images whose height and width are multiples of a number, or that are
  /// resized to one size with their aspect ratio kept.
  package init(_ preprocessing: Preprocessing, multiple: Int) {
    self.init()
    if case .letterbox(let size) = preprocessing.fit {
      (self.size, fit) = ([size.height, size.width], "letterbox")
    } else {
      self.multiple = multiple
    }
    state(preprocessing)
  }

  /// Sets what does not concern sizes.
  private mutating func state(_ preprocessing: Preprocessing) {
    resampling = preprocessing.resampling.rawValue
    channels =
      switch preprocessing.channels {
      case .grey: "grey"
      case .rgb: "rgb"
      case .bgr: "bgr"
      case .bands: "bands"
      }
    range =
      switch preprocessing.range {
      case .white: "white"
      case .imageMaximum: "imageMaximum"
      case .percentiles: "percentiles"
      case .unscaled: "step"
      }
    mean = preprocessing.mean
    deviation = preprocessing.deviation
  }

  /// The settings as JSON, with a line for each.
  package var json: [UInt8] {
    do { return Array(try JSONEncoder.settings.encode(self)) + [UInt8(ascii: "\n")] } catch {
      preconditionFailure("numbers of settings are finite: \(error)")
    }
  }
}
