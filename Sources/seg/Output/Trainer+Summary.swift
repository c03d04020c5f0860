import SegTraining

extension Trainer {
  /// One line about the data set: counts, sizes, channels and the shares of the classes.
  var summary: String {
    let (smallest, largest) = (survey.smallest, survey.largest)
    let size =
      (smallest == largest ? "" : "\(smallest.height)×\(smallest.width) to ") + "\(largest.height)×\(largest.width)"
    return "\(data.training.count) images to train, \(data.validation.count) to validate, \(size) pixels, "
      + "\(survey.channels) channel\(survey.channels == 1 ? "" : "s"), \(survey.classes) classes: "
      + survey.shares.map { "\((100 * $0).fixed(2)) %" }.joined(separator: ", ")
  }
}
