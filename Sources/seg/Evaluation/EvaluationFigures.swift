import ArgumentParser
import SegEngine
import SegModels

/// A metric of a class in the results of `seg evaluate`, in the order of its tables.
enum EvaluationFigure: Int, CaseIterable {
  case iou, dice, precision, recall
  case boundaryF1, boundaryPrecision, boundaryRecall, boundaryIoU
  case averageSurfaceDistance, hausdorff, hausdorff95

  /// The key in JSON, and the title of the CSV column.
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

  /// The title of its column in tables; `nil` for precision and recall of the boundary F1, which tables omit.
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

  /// Whether the metric is a distance. Other metrics are shares.
  var isDistance: Bool { [.averageSurfaceDistance, .hausdorff, .hausdorff95].contains(self) }

  /// The measurements that it needs besides the confusion matrix.
  var measures: SegmentationMetrics.Measures {
    switch self {
    case .iou, .dice, .precision, .recall: []
    case .boundaryF1, .boundaryPrecision, .boundaryRecall: .boundaryF1
    case .boundaryIoU: .boundaryIoU
    case .averageSurfaceDistance, .hausdorff, .hausdorff95: .surfaceDistances
    }
  }

  /// Returns the metric of a class, or `nil` if it is undefined.
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

/// Metrics on the command line, such as `iou,dice,boundary`.
struct FigureList {
  /// The metrics of classes, in the order of tables.
  private(set) var figures: [EvaluationFigure] = []
  /// Whether metrics in bands around the true boundaries are included.
  private(set) var includesTrimap = false

  /// All metrics.
  static let all = FigureList(Set(EvaluationFigure.allCases), includesTrimap: true)

  /// The further names, each with its metrics.
  private static let groups: [String: [EvaluationFigure]] = [
    "overlap": [.iou, .dice, .precision, .recall],
    // Accuracies are always included.
    "accuracy": [], "f1": [.dice], "trimap": [],
    "boundary": [.boundaryF1, .boundaryPrecision, .boundaryRecall, .boundaryIoU],
    "boundary_f1": [.boundaryF1, .boundaryPrecision, .boundaryRecall],
    "distances": [.averageSurfaceDistance, .hausdorff, .hausdorff95],
    "assd": [.averageSurfaceDistance], "hd": [.hausdorff], "hd95": [.hausdorff95],
    "all": EvaluationFigure.allCases,
  ]

  private init(_ chosen: Set<EvaluationFigure>, includesTrimap: Bool) {
    figures = EvaluationFigure.allCases.filter { chosen.contains($0) }
    self.includesTrimap = includesTrimap
  }

  /// Reads names separated by commas.
  ///
  /// - Throws: `ValidationError` with the unknown name.
  init(parsing argument: String) throws {
    var chosen: Set<EvaluationFigure> = []
    var includesTrimap = false
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let name = word.trimmingPrefix(while: \.isWhitespace).lowercased().replacing("-", with: "_")
      if let group = Self.groups[name] {
        chosen.formUnion(group)
      } else if let figure = EvaluationFigure.allCases.first(where: { $0.key == name }) {
        chosen.insert(figure)
      } else {
        // Names on the command line have hyphens.
        let names = Set(EvaluationFigure.allCases.map(\.key)).union(Self.groups.keys)
        let known = names.map { $0.replacing("_", with: "-") }.sorted()
        throw ValidationError("there is no figure \(word)\(String(word).suggestion(among: known))")
      }
      includesTrimap = includesTrimap || ["trimap", "boundary", "all"].contains(name)
    }
    self.init(chosen, includesTrimap: includesTrimap)
  }

  /// The measurements that are needed besides the confusion matrix.
  var measures: SegmentationMetrics.Measures {
    figures.reduce(into: includesTrimap ? .trimap : []) { $0.formUnion($1.measures) }
  }
}
