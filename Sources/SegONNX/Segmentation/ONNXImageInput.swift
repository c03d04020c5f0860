import SegEngine

/// The input of a file that takes an image: what each of its axes is, and how many channels it has.
struct ONNXImageInput: Sendable {
  /// How the order of axes is known.
  enum Evidence: Sendable {
    /// An operator on the way reads one of the axes as channels, or the settings name the order.
    case certain
    /// The extents that the file states look like it.
    case extents
    /// Nothing says it.
    case assumed
  }

  let port: ONNXGraph.Port
  /// What each axis is, in the file's order.
  let axes: [AxisRole]
  /// Channels; `nil` where neither the file nor its weights say it.
  let channels: Int?
  let evidence: Evidence

  /// The order of axes in one word, such as `nchw`.
  var layout: String { String(axes.map(\.letter)) }

  /// The extent that the file states for an axis of the image, where it states one.
  func extent(_ role: AxisRole) -> Int? {
    guard let place = axes.firstIndex(of: role), case .fixed(let extent)? = port.shape?[place] else { return nil }
    return extent
  }

  /// Whether the network takes samples of the image as they are, and not numbers that are made of them.
  var takesIntegers: Bool { port.type.map { !$0.isFloat } ?? false }

  /// Looks at an input.
  ///
  /// - Parameter layout: The order of axes where settings state it, a letter an axis.
  /// - Throws: ``ONNXFailure`` where it is no image.
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

  /// The order of axes by extents alone: few are channels, the others an image.
  private static func guess(_ extents: [Int?]) -> (axes: [AxisRole], Evidence) {
    func isFew(_ extent: Int?) -> Bool { extent.map { $0 <= 4 } ?? false }
    func isMany(_ extent: Int?) -> Bool { extent.map { $0 > 4 } ?? false }
    switch extents.count {
    case 4:
      if isFew(extents[3]), !isFew(extents[1]) { return (AxisRole.order("nhwc"), .extents) }
      return (AxisRole.order("nchw"), isFew(extents[1]) && !isFew(extents[3]) ? .extents : .assumed)
    case 3:
      if isFew(extents[2]), !isFew(extents[0]) { return (AxisRole.order("hwc"), .extents) }
      // An open axis before an image is a batch; channels are a number that the network knows.
      if extents[0] == 1 || extents[0] == nil && isMany(extents[1]) && isMany(extents[2]) {
        return (AxisRole.order("nhw"), .extents)
      }
      return (AxisRole.order("chw"), isFew(extents[0]) && isMany(extents[2]) ? .extents : .assumed)
    default: return (AxisRole.order("hw"), .extents)
    }
  }
}

extension AxisRole {
  /// How layouts write it.
  fileprivate var letter: Character {
    switch self {
    case .batch: "n"
    case .height: "h"
    case .width: "w"
    case .channel: "c"
    }
  }

  /// The axes of a layout such as `nchw`.
  fileprivate static func order(_ layout: String) -> [AxisRole] {
    layout.compactMap { letter in AxisRole.allCases.first { $0.letter == letter } }
  }
}
