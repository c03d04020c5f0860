import SegTraining

extension Trainer {
  /// One line about the data set: counts, sizes, channels and the shares of the classes.
  var summary: String {
    "\(data.training.count) images to train, \(data.validation.count) to validate, \(survey.sizes) pixels, "
      + "\(survey.channels) channel\(survey.channels == 1 ? "" : "s"), \(survey.classes) classes: "
      + survey.shares.map { "\((100 * $0).fixed(2)) %" }.joined(separator: ", ")
  }
}
