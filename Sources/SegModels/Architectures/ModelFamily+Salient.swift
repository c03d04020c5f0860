import SegEngine

extension ModelFamily {
  /// Networks that separate a salient object from the background.
  static let salient = ModelFamily(
    "salient objects",
    [
      ModelDescription(
        "u2netp", "U²-Net† with 1.1 million parameters, salient objects", size: 320, U2Net.small,
        preprocessing: preprocessing, postprocessing: .saliencyLogits(0.5), classList: .salientObject),
      ModelDescription(
        "u2net", "U²-Net, salient objects", size: 320, U2Net(), preprocessing: preprocessing,
        postprocessing: .saliencyLogits(0.5), classList: .salientObject),
    ])

  /// The preparation of the authors' program: the image is divided by its largest value.
  private static var preprocessing: Preprocessing {
    var preprocessing = Preprocessing(
      fit: .stretch(320), mean: Preprocessing.imageNetMean, deviation: Preprocessing.imageNetDeviation)
    preprocessing.range = .imageMaximum
    preprocessing.resampling = .lanczos
    return preprocessing
  }
}
