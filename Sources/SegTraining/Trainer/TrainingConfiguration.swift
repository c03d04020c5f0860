import Foundation
import SegEngine
import SegIO

/// All choices of a training, as `configuration.json` of its folder states them. With the same data set and seed they give the same weights.
public struct TrainingConfiguration: Codable, Sendable, Hashable {
  /// The optimisers.
  public enum OptimizerName: String, Codable, Hashable, Sendable, CaseIterable {
    case adamw, sgd, lion
  }

  /// The weights of classes in cross-entropy, from their frequencies.
  public enum ClassWeighting: String, Codable, Hashable, Sendable, CaseIterable {
    /// All weights are 1.
    case none
    /// Inverse frequency (``ClassFrequencies/Weighting/inverseFrequency``).
    case inverse
    /// Median frequency (``ClassFrequencies/Weighting/medianFrequency``).
    case median
  }

  /// The folder of the data set.
  public var data: String
  /// How its files are found and split.
  public var layout = TrainingData.Layout()
  /// Whether every label but 0 is foreground.
  public var isBinary = false
  /// The labels of masks that are ignored; `nil` for 255, except with binary masks.
  public var ignored: [UInt16]?
  /// The number of classes; `nil` for one more than the largest label.
  public var classes: Int?
  /// The names of the classes.
  public var classNames: [String]?

  /// How the samples of images are scaled, with first weights as those expect it.
  public enum SampleRange: String, Codable, Hashable, Sendable, CaseIterable {
    /// White becomes 1.
    case white
    /// The largest value of each image becomes 1.
    case imageMaximum
    /// The 0.1st and the 99.9th percentile of each image become 0 and 1.
    case percentiles

    var value: Preprocessing.Range {
      switch self {
      case .white: .white
      case .imageMaximum: .imageMaximum
      case .percentiles: .percentiles
      }
    }
  }

  /// How the samples of images are scaled.
  public var range = SampleRange.white
  /// Height and width to which images are resized, with their aspect ratio kept and centred between padding that is ignored, before crops are
  /// cut; `nil` for the images' own size, or that of a network whose first weights expect another.
  public var size: Int?

  /// The name of the network in ``ModelRegistry``, or the path of an ONNX file.
  public var network = "unet"
  /// The channels of each level of a U-Net, the finest first.
  public var widths: [Int]? = [16, 32, 64, 128]
  /// The file of the first weights; `nil` to draw them. Weights of a head for other classes are drawn.
  public var weights: String?
  /// The beginnings of the names of weights that do not change.
  public var frozen: [String] = []

  /// How crops are chosen.
  public var crops = CropSampling(size: 128)
  /// The images of a step.
  public var batch = 8
  /// The number of steps.
  public var steps = 600
  /// Random changes of the crops.
  public var augmentation = Augmentation.anyOrientation

  /// The loss: names with weights, such as `ce+dice`.
  public var loss = "ce+dice"
  /// The weights of the classes in cross-entropy and focal loss.
  public var classWeighting = ClassWeighting.none
  /// The weight of the loss of each auxiliary head; `nil` to leave the heads out.
  public var auxiliaryWeight: Double?
  /// The optimiser.
  public var optimizer = OptimizerName.adamw
  /// The largest learning rate.
  public var rate = 2e-3
  /// The weight decay.
  public var decay = 1e-4
  /// The momentum of SGD.
  public var momentum = 0.9
  /// The learning rate of each step in proportion to the largest.
  public var schedule = LearningRateSchedule()
  /// The largest norm of all gradients; `nil` for no limit.
  public var clipping: Double? = 12
  /// The decay of the learning rate towards the image: the factor between neighbouring twelfths of the network's depth
  /// (``TrainingOptions/layerDecay``); `nil` for one rate.
  public var layerDecay: Double?
  /// The decay of an exponential moving average of the weights, which is then validated and kept; `nil` for none.
  public var averaging: Double?
  /// The bytes for the maps of a step; `nil` for no limit.
  public var memory: Int?
  /// The seed of weights, crops and dropout.
  public var seed: UInt64 = 0
  /// The number of threads of a step; `nil` for all cores.
  public var threads: Int?

  /// The steps between validations, after each of which a checkpoint is written.
  public var interval = 100
  /// The validations without a better mean IoU after which training stops; `nil` for never.
  public var patience: Int?
  /// Images of more than twice this height or width are validated by tiles of this size, blended as `Tiling` does; `nil` for never.
  public var tile: Int? = 1024
  /// The bytes of decoded images that are kept.
  public var cache = 1 << 30

  /// Makes a configuration for a data set: a U-Net of widths 16 to 128, crops of 128², batches of 8, AdamW.
  public init(data: String) { self.data = data }

  /// Throws an error if a value is not valid.
  func validate() throws(TrainingConfigurationError) {
    if let complaint = crops.complaint ?? augmentation.complaint { throw .init(complaint) }
    func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(TrainingConfigurationError) {
      if !holds { throw .init(complaint()) }
    }
    try require(size.map { (8...65536).contains($0) } ?? true, "images have a size of 8 to 65536: \(size ?? 0)")
    try require((1...65536).contains(batch), "a batch has 1 to 65536 images: \(batch)")
    try require(steps > 0, "the number of steps is positive: \(steps)")
    try require(interval > 0, "the steps between validations are positive: \(interval)")
    try require(rate > 0 && rate.isFinite, "a learning rate is positive: \(rate)")
    try require(decay >= 0 && decay.isFinite, "a weight decay is not negative: \(decay)")
    try require((0..<1).contains(momentum), "a momentum is 0 or more and less than 1: \(momentum)")
    try require(
      schedule.warmup >= 0 && schedule.warmup < steps, "the warm-up is shorter than the training: \(schedule.warmup)")
    try require(clipping.map { $0 > 0 } ?? true, "a limit of gradients is positive: \(clipping ?? 0)")
    try require(
      averaging.map { (0..<1).contains($0) } ?? true, "the decay of an average is less than 1: \(averaging ?? 0)")
    try require(
      layerDecay.map { $0 > 0 && $0 <= 1 } ?? true, "a decay by layers is positive and at most 1: \(layerDecay ?? 0)")
    try require(
      (0..<1).contains(layout.validation) && layout.validation > 0,
      "the share of validation lies between 0 and 1: \(layout.validation)")
    try require(patience.map { $0 > 0 } ?? true, "the patience is positive: \(patience ?? 0)")
    try require(threads.map { (1...1024).contains($0) } ?? true, "the number of threads is 1 to 1024: \(threads ?? 0)")
    try require(
      tile.map { (128...65536).contains($0) } ?? true, "tiles for validation have 128 to 65536 pixels: \(tile ?? 0)")
    try require(memory.map { $0 > 0 } ?? true, "the memory is positive: \(memory ?? 0)")
    _ = try LossChoice(loss, classWeights: nil)
  }

  /// The optimiser with its options.
  var rule: Optimizer {
    switch optimizer {
    case .adamw: .adamW(decay: decay)
    case .sgd: .sgd(momentum: momentum, nesterov: momentum > 0, decay: decay)
    case .lion: .lion(decay: decay)
    }
  }

  /// The reading of masks.
  package var masks: MaskReading { MaskReading(isBinary: isBinary, ignored: ignored, reducesZeroLabel: false) }

  /// The memory of a step.
  var budget: TrainingMemory { memory.map { .budget($0) } ?? .unlimited }
}
