import SegEngine

/// What a data set alone decides of a training: crops, levels of the U-Net, augmentation, and how rare classes are shown.
struct TrainingDesignRules {
  /// Height and width of the crops.
  let crop: Int
  /// The levels of the U-Net.
  let levels: Int
  /// The changes of crops.
  let augmentation: Augmentation
  /// The share of crops that are centred on a foreground class.
  let foreground: Double
  /// What was chosen and why, a line each.
  let reasons: [String]

  /// A network and a batch.
  struct Candidate {
    let widths: [Int]
    let batch: Int
  }

  /// The largest crop. Larger ones make steps slower without showing more objects than a larger batch does.
  private static let largestCrop = 192

  init(_ survey: DataSurvey, size: Int?) {
    var reasons: [String] = []
    let side = size ?? min(survey.largest.height, survey.largest.width)
    crop = max(32, min(Self.largestCrop, side / 32 * 32))
    reasons.append(
      "crops of \(crop)²: "
        + (crop == Self.largestCrop
          ? "the images are larger, and more crops a step are better than larger ones" : "the images are small"))
    if size == nil, min(survey.smallest.height, survey.smallest.width) > 4 * crop {
      reasons.append(
        "the images have \(survey.smallest) pixels or more, of which the network sees \(crop)² in training: if objects are larger, "
          + "`--size` resizes the images")
    }
    levels = crop >= 128 ? 5 : crop >= 64 ? 4 : 3
    reasons.append("\(levels) levels: the coarsest map of a crop has \(crop >> (levels - 1))² pixels")
    (augmentation, foreground) = (Self.augmentation(survey), Self.foreground(survey))
    reasons.append(
      survey.channels == 3
        ? "colour images keep up and down (`--augmentation orientations` for pictures that have none, such as from above)"
        : "grey images and bands are turned and reflected (`--augmentation photographs` for pictures with an up and down)"
    )
    let rarest = survey.shares.enumerated().dropFirst().filter { $0.element > 0 }.min { $0.element < $1.element }
    reasons.append(
      "\(Int(100 * foreground)) % of the crops are centred on a class that is not background"
        + (rarest.map { "; class \($0.offset) has \(percent($0.element)) of the pixels" } ?? ""))
    self.reasons = reasons
  }

  /// Crops of rare classes are mostly centred on them; where every crop shows all classes that is not needed.
  private static func foreground(_ survey: DataSurvey) -> Double {
    let present = survey.shares.dropFirst().filter { $0 > 0 }
    return (present.min() ?? 1) < 0.1 ? 0.66 : 0.33
  }

  /// nnU-Net's augmentation, with its probabilities for scale, rotation, gamma, noise and blur.
  private static func augmentation(_ survey: DataSurvey) -> Augmentation {
    var changes: Augmentation = survey.channels == 3 ? .photographs : .anyOrientation
    if survey.channels != 3 {
      changes.scaling = .init()
      changes.scaling?.probability = 0.3
      changes.scaling?.factors = [0.7, 0.8, 0.9, 1.1, 1.25, 1.4]
    }
    changes.rotation = .init()
    changes.rotation?.probability = 0.2
    changes.rotation?.degrees = survey.channels == 3 ? 15 : 45
    changes.gamma = .init()
    changes.noise = .init()
    changes.noise?.probability = 0.1
    changes.blur = .init()
    return changes
  }

  /// The networks and batches to try, the costliest first.
  var candidates: [Candidate] {
    let (levels, pixels) = (levels, crop * crop)
    // A batch shows at least as many pixels as four crops of 192².
    let batch = max(4, min(32, 4 * Self.largestCrop * Self.largestCrop / pixels))
    return [(64, 1), (48, 1), (32, 2), (32, 1), (24, 1), (16, 2), (16, 1), (8, 1)].map { base, factor in
      Candidate(widths: (0..<levels).map { min(base << $0, 512) }, batch: batch * factor)
    }
  }

  func applied(to configuration: TrainingConfiguration) -> TrainingConfiguration {
    var result = TrainingConfiguration(data: configuration.data)
    (result.layout, result.isBinary, result.ignored) = (
      configuration.layout, configuration.isBinary, configuration.ignored
    )
    (result.range, result.size) = (configuration.range, configuration.size)
    (result.classes, result.classNames) = (configuration.classes, configuration.classNames)
    (result.seed, result.threads) = (configuration.seed, configuration.threads)
    result.crops = CropSampling(size: crop)
    result.crops.foreground = foreground
    result.augmentation = augmentation
    result.widths = candidates.last!.widths
    return result
  }
}

/// A share in per cent with two digits.
private func percent(_ share: Double) -> String { "\((10_000 * share).rounded() / 100) %" }
