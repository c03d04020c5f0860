import SegEngine

/// The position of a legend beside or below an image. All lengths are in pixels.
struct LegendLayout {
  /// The side of the square that a pixel of the font becomes.
  let scale: Int
  /// The size of the image with the legend.
  let width, height: Int
  /// The top left corner of the first line.
  private let top, left: Int
  /// The number of lines in a column.
  private let rows: Int
  private let columnWidth: Int
  /// The lengths of the longest name and the longest share, in characters.
  private let nameLength, shareLength: Int

  // The lengths below are multiples of the scale.
  private static let padding = 8
  private static let lineHeight = 20
  private static let swatch = 12
  private static let gap = 6
  private static let columnGap = 16

  /// Lays out the lines of a legend.
  init(_ entries: [LegendEntry], width: Int, height: Int, _ legend: Legend) {
    var scale = legend.scale ?? max(1, Int((Double(max(width, height)) / 1000).rounded()))
    var layout = LegendLayout(entries, width: width, height: height, legend.placement, scale)
    // A legend of many classes has smaller text rather than more pixels than the image.
    while legend.scale == nil, scale > 1, layout.width * layout.height > 2 * width * height {
      scale -= 1
      layout = LegendLayout(entries, width: width, height: height, legend.placement, scale)
    }
    self = layout
  }

  private init(_ entries: [LegendEntry], width: Int, height: Int, _ placement: Legend.Placement, _ scale: Int) {
    let below = LegendLayout(entries, width: width, height: height, isBelow: true, scale)
    let beside = LegendLayout(entries, width: width, height: height, isBelow: false, scale)
    switch placement {
    case .below: self = below
    case .beside: self = beside
    case .automatic: self = below.width + below.height <= beside.width + beside.height ? below : beside
    }
  }

  private init(_ entries: [LegendEntry], width: Int, height: Int, isBelow: Bool, _ scale: Int) {
    self.scale = scale
    nameLength = entries.map(\.name.count).max() ?? 0
    shareLength = entries.map(\.share.count).max() ?? 0
    let characters = (nameLength + shareLength) * BitmapFont.width
    columnWidth = (Self.swatch + characters + 3 * Self.gap) * scale
    let (padding, line, gap) = (Self.padding * scale, Self.lineHeight * scale, Self.columnGap * scale)
    let columns: Int
    if isBelow {
      let fitting = max(1, (width - 2 * padding + gap) / (columnWidth + gap))
      rows = (entries.count + fitting - 1) / fitting
      columns = rows == 0 ? 0 : (entries.count + rows - 1) / rows
    } else {
      let fitting = max(1, (height - 2 * padding) / line)
      columns = (entries.count + fitting - 1) / fitting
      rows = columns == 0 ? 0 : (entries.count + columns - 1) / columns
    }
    let panelWidth = 2 * padding + columns * columnWidth + max(0, columns - 1) * gap
    let panelHeight = 2 * padding + rows * line
    self.width = isBelow ? max(width, panelWidth) : width + panelWidth
    self.height = isBelow ? height + panelHeight : max(height, panelHeight)
    top = (isBelow ? height : 0) + padding
    left = (isBelow ? 0 : width) + padding
  }

  /// Draws the lines.
  func draw(_ entries: [LegendEntry], on canvas: inout RGBCanvas, font: BitmapFont) {
    for (index, entry) in entries.enumerated() {
      let y = top + index % rows * Self.lineHeight * scale
      let x = left + index / rows * (columnWidth + Self.columnGap * scale)
      drawSwatch(entry.color, row: y + (Self.lineHeight - Self.swatch) / 2 * scale, column: x, on: &canvas)
      let text = y + (Self.lineHeight - BitmapFont.height) / 2 * scale
      let name = x + (Self.swatch + Self.gap) * scale
      canvas.draw(entry.name, row: text, column: name, scale: scale, font: font, Self.ink)
      // Shares are aligned at their right.
      let share = name + (2 * Self.gap + (nameLength + shareLength - entry.share.count) * BitmapFont.width) * scale
      canvas.draw(entry.share, row: text, column: share, scale: scale, font: font, Self.ink)
    }
  }

  /// Draws a framed square of a colour, or only the frame.
  private func drawSwatch(_ color: Palette.Color?, row: Int, column: Int, on canvas: inout RGBCanvas) {
    let side = Self.swatch * scale
    canvas.fill(rows: row..<row + side, columns: column..<column + side, Self.ink)
    canvas.fill(
      rows: row + scale..<row + side - scale, columns: column + scale..<column + side - scale, color ?? Self.ground)
  }

  /// The colour of text and frames. Its contrast with ``ground`` is 18 to 1.
  static let ink = Palette.Color(17, 17, 17)
  /// The colour that surrounds the text.
  static let ground = Palette.Color(255, 255, 255)
}
