import SegModels

/// A property of a network that neither its file nor the settings determine, with the value that is assumed.
package struct ONNXAssumption: Sendable, Hashable, CustomStringConvertible {
  /// A setting that replaces an assumption.
  package enum Setting: Sendable, Hashable {
    /// The axis order of the image input.
    case layout
    /// The channels of the image input.
    case channels
    /// The range, mean and deviation of the samples.
    case normalization
    /// The name of the output that is the segmentation.
    case outputName
    /// The meaning of the output's values; with a value, the one that is the alternative.
    case output(OutputMeaning? = nil)
  }

  /// The property and the assumed value, in one line.
  package let description: String
  /// The setting that replaces the assumption; `nil` if there is none.
  package let setting: Setting?

  init(_ description: String, _ setting: Setting?) {
    self.description = description
    self.setting = setting
  }
}
