import SegIO
import SegModels

extension ONNXAssumption {
  /// The assumption followed by the options that replace it.
  var withOption: String { option.map { "\(self) (\($0))" } ?? description }

  /// The options that replace the assumption; `nil` if there are none.
  private var option: String? {
    switch setting {
    case .layout: "--image-layout"
    case .channels: "--channels"
    case .normalization: "--mean, --deviation, --range"
    case .outputName: "--output-name"
    case .output(nil): "--output-kind"
    case .output(let meaning?): "--output-kind \(meaning.rawValue)"
    case nil: nil
    }
  }
}
