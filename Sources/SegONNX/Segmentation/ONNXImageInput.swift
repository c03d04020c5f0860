import SegEngine

/// The image input of a file: the role of each axis, and the number of channels.
struct ONNXImageInput: Sendable {
  /// The source of the axis order.
  enum Evidence: Sendable {
    /// It is given by the settings, or by an operator that reads one of the axes as channels.
    case certain
    /// It is derived from the extents that the file declares.
    case extents
    /// It is assumed, because nothing in the file determines it.
    case assumed
  }

  /// The declaration of the input in the file.
  let port: ONNXGraph.Port
  /// The role of each axis, in the file's axis order.
  let axes: [AxisRole]
  /// The number of channels; `nil` if neither the file nor its weights determine it.
  let channels: Int?
  /// The source of `axes`.
  let evidence: Evidence

  /// The axis order as a string, such as `nchw`.
  var layout: String { String(axes.map(\.letter)) }

  /// Returns the extent that the file declares for an axis; `nil` if it declares none.
  func extent(_ role: AxisRole) -> Int? {
    guard let place = axes.firstIndex(of: role), case .fixed(let extent)? = port.shape?[place] else { return nil }
    return extent
  }

  /// Whether the input has an integer type, so that the network takes unscaled samples.
  var takesIntegers: Bool { port.type.map { !$0.isFloat } ?? false }

  /// Determines the axis order and the channels of an input.
  ///
  /// - Parameters:
  ///   - port: The declaration of the input.
  ///   - graph: The graph of the file.
  ///   - layout: The axis order, if it is known: one letter per axis, such as `nchw`.
  /// - Throws: ``ONNXFailure`` if the input is not an image, or if its batch size is fixed and not 1.
  init(_ port: ONNXGraph.Port, of graph: ONNXGraph, layout: String? = nil) throws(ONNXFailure) {
    self.port = port
    let extents = port.shape?.map { extent -> Int? in if case .fixed(let value) = extent { value } else { nil } }
    let rank = extents?.count ?? layout?.count ?? 4
    guard (2...4).contains(rank) else { throw ONNXFailure("has \(rank) axes, which is no image") }
    let use = ONNXChannelAxis(of: port.name, rank: rank, in: graph)
    if let layout {
      let axes = AxisRole.order(layout)
      guard axes.count == rank else {
        throw ONNXFailure("has \(rank) axes: its layout is not \(layout)")
      }
      (self.axes, evidence) = (axes, .certain)
    } else if let axes = use?.roles(rank: rank) {
      (self.axes, evidence) = (axes, .certain)
    } else {
      (axes, evidence) = ONNXImageInput.guess(extents ?? [nil, nil, nil, nil])
    }
    let stated = axes.firstIndex(of: .channel).flatMap { extents?[$0] }
    channels = axes.contains(.channel) ? stated ?? use?.channels : 1
    if let batch = extent(.batch), batch != 1 { throw ONNXFailure("takes batches of \(batch) images, not one") }
  }

  /// Guesses the axis order from the extents: an extent of at most 4 is the channels, larger ones are height and width.
  private static func guess(_ extents: [Int?]) -> (axes: [AxisRole], Evidence) {
    func isFew(_ extent: Int?) -> Bool { extent.map { $0 <= 4 } ?? false }
    func isMany(_ extent: Int?) -> Bool { extent.map { $0 > 4 } ?? false }
    switch extents.count {
    case 4:
      if isFew(extents[3]), !isFew(extents[1]) { return (AxisRole.order("nhwc"), .extents) }
      return (AxisRole.order("nchw"), isFew(extents[1]) && !isFew(extents[3]) ? .extents : .assumed)
    case 3:
      if isFew(extents[2]), !isFew(extents[0]) { return (AxisRole.order("hwc"), .extents) }
      // An axis of unknown extent before two large ones is the batch, since files rarely leave the channels open.
      if extents[0] == 1 || extents[0] == nil && isMany(extents[1]) && isMany(extents[2]) {
        return (AxisRole.order("nhw"), .extents)
      }
      return (AxisRole.order("chw"), isFew(extents[0]) && isMany(extents[2]) ? .extents : .assumed)
    default: return (AxisRole.order("hw"), .extents)
    }
  }
}

extension AxisRole {
  /// The letter of the axis in layouts.
  fileprivate var letter: Character {
    switch self {
    case .batch: "n"
    case .height: "h"
    case .width: "w"
    case .channel: "c"
    }
  }

  /// Returns the axes of a layout such as `nchw`.
  fileprivate static func order(_ layout: String) -> [AxisRole] {
    layout.compactMap { letter in AxisRole.allCases.first { $0.letter == letter } }
  }
}
