import ArgumentParser
import SegModels

/// A figure of a class that `seg evaluate` gives, in the order of its tables.
enum EvaluationFigure: Int, CaseIterable {
  case iou, dice, precision, recall
  case boundaryF1, boundaryPrecision, boundaryRecall, boundaryIoU
  case averageSurfaceDistance, hausdorff, hausdorff95

  /// The key in JSON and the column of comma-separated values.
  var key: String {
    switch self {
    case .iou: "iou"
    case .dice: "dice"
    case .precision: "precision"
    case .recall: "recall"
    case .boundaryF1: "boundary_f1"
    case .boundaryPrecision: "boundary_precision"
    case .boundaryRecall: "boundary_recall"
    case .boundaryIoU: "boundary_iou"
    case .averageSurfaceDistance: "average_surface_distance"
    case .hausdorff: "hausdorff"
    case .hausdorff95: "hausdorff95"
    }
  }

  /// The head of its column in tables, which leave out the parts of the boundary F1.
  var title: String? {
    switch self {
    case .iou: "IoU"
    case .dice: "Dice"
    case .precision: "precision"
    case .recall: "recall"
    case .boundaryF1: "boundary F1"
    case .boundaryPrecision, .boundaryRecall: nil
    case .boundaryIoU: "boundary IoU"
    case .averageSurfaceDistance: "ASSD"
    case .hausdorff: "Hausdorff"
    case .hausdorff95: "HD95"
    }
  }

  /// Whether it is a length rather than a share.
  var isDistance: Bool { [.averageSurfaceDistance, .hausdorff, .hausdorff95].contains(self) }

  /// What is measured for it besides counting pixels.
  var measures: SegmentationMetrics.Measures {
    switch self {
    case .iou, .dice, .precision, .recall: []
    case .boundaryF1, .boundaryPrecision, .boundaryRecall: .boundaryF1
    case .boundaryIoU: .boundaryIoU
    case .averageSurfaceDistance, .hausdorff, .hausdorff95: .surfaceDistances
    }
  }

  /// The figure of a class, or `nil` where it does not exist.
  func value(of label: Int, in metrics: SegmentationMetrics) -> Double? {
    switch self {
    case .iou: metrics.confusion.value(.iou, of: label)
    case .dice: metrics.confusion.value(.dice, of: label)
    case .precision: metrics.confusion.value(.precision, of: label)
    case .recall: metrics.confusion.value(.recall, of: label)
    case .boundaryF1: metrics.boundaryF1.value(of: label)
    case .boundaryPrecision: metrics.boundaryF1.precision(label)
    case .boundaryRecall: metrics.boundaryF1.recall(label)
    case .boundaryIoU: metrics.boundaryIoU.value(of: label)
    case .averageSurfaceDistance: metrics.surfaces.entries[label].averageSymmetric
    case .hausdorff: metrics.surfaces.entries[label].hausdorff
    case .hausdorff95: metrics.surfaces.entries[label].hausdorff95
    }
  }
}

/// Figures on the command line, as `iou,dice,boundary`.
struct FigureList: ExpressibleByArgument {
  /// Those of classes, in the order of tables.
  private(set) var figures: [EvaluationFigure] = []
  /// Whether bands around true boundaries are looked at.
  private(set) var includesTrimap = false

  /// All figures.
  static let all = FigureList(argument: "all")!

  /// What stands for what, besides a figure's own key.
  private static let groups: [String: [EvaluationFigure]] = [
    "overlap": [.iou, .dice, .precision, .recall],
    // Accuracies are counted with every figure.
    "accuracy": [], "f1": [.dice], "trimap": [],
    "boundary": [.boundaryF1, .boundaryPrecision, .boundaryRecall, .boundaryIoU],
    "boundary_f1": [.boundaryF1, .boundaryPrecision, .boundaryRecall],
    "distances": [.averageSurfaceDistance, .hausdorff, .hausdorff95],
    "assd": [.averageSurfaceDistance], "hd": [.hausdorff], "hd95": [.hausdorff95],
    "all": EvaluationFigure.allCases,
  ]

  init?(argument: String) {
    var chosen: Set<EvaluationFigure> = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let name = word.trimmingPrefix(while: \.isWhitespace).lowercased().replacing("-", with: "_")
      if let group = Self.groups[name] {
        chosen.formUnion(group)
      } else if let figure = EvaluationFigure.allCases.first(where: { $0.key == name }) {
        chosen.insert(figure)
      } else {
        return nil
      }
      includesTrimap = includesTrimap || ["trimap", "boundary", "all"].contains(name)
    }
    figures = EvaluationFigure.allCases.filter { chosen.contains($0) }
  }

  /// What is measured besides counting pixels.
  var measures: SegmentationMetrics.Measures {
    figures.reduce(into: includesTrimap ? .trimap : []) { $0.formUnion($1.measures) }
  }
}
