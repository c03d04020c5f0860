import Foundation
import SegEngine
import SegIO
import SegModels

/// The receptive field of one output pixel, drawn over an image: the square of the theoretical field, and the influence of each pixel.
struct ReceptiveFieldPicture {
  let network: String
  /// The height and width of the network's input, in pixels.
  let side: Int
  /// The side of the theoretical receptive field; `nil` if that is the whole image.
  let theoreticalSide: Int?
  /// The side of a square with as many pixels as hold 95 % of the influence.
  let effectiveSide: Double
  let svg: String

  /// The picture's pixels per pixel of the network's input.
  private static let scale = 6

  /// Draws the field of the middle pixel of a network whose input is the central `side` × `side` pixels of the image.
  init(of description: ModelDescription, weights: Checkpoint, image: Image, side: Int) throws {
    network = description.name
    self.side = side
    let (whole, _) = try description.preprocessing(image)
    let (height, width, channels) = (whole.shape.height, whole.shape.width, whole.shape.channels)
    let (top, left) = ((height - min(side, height)) / 2, (width - min(side, width)) / 2)
    let rows = top..<top + min(side, height)
    let columns = left..<left + min(side, width)
    let values = whole.elements(of: Float.self)
    let part = rows.flatMap { row in
      columns.flatMap { column in
        (0..<channels).map { values[(row * width + column) * channels + $0] }
      }
    }
    let input = Tensor([1, rows.count, columns.count, channels], part)
    let graph = try description.network.graph(size: Extent2D(height: rows.count, width: columns.count))
    let loaded = try description.network.parameters(from: weights, for: graph)
    let model = try Model(graph, parameters: loaded.parameters)
    let effective = try EffectiveReceptiveField(of: model, at: input)
    effectiveSide = effective.side()
    let field = try ReceptiveFields(graph)[output: "logits"]
    theoreticalSide = field.flatMap { $0.isGlobal ? nil : $0.height.size }
    svg = try Self.picture(
      input, influence: effective.influence.elements(of: Float.self), theoreticalSide: theoreticalSide,
      effectiveSide: effectiveSide, title: "Receptive field of \(description.name)")
  }

  private static func picture(
    _ input: Tensor, influence: [Float], theoreticalSide: Int?, effectiveSide: Double, title: String
  ) throws -> String {
    let (height, width, channels) = (input.shape.height, input.shape.width, input.shape.channels)
    let values = input.elements(of: Float.self)
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let grey = (0..<height * width).map { pixel in
      let mean = (0..<channels).reduce(Float(0)) { $0 + values[pixel * channels + $1] } / Float(channels)
      return UInt8(min(max(255 * (mean - low) / max(high - low, 1e-9), 0), 255))
    }
    let png = try Image(width: width, height: height, layout: .grey, samples: .uint8(grey)).pngBytes()
    let most = influence.max() ?? 1
    let squares = influence.enumerated().compactMap { pixel, value -> String? in
      // The square root makes small influences visible. Below a thousandth nothing is drawn.
      let share = most > 0 ? value / most : 0
      guard share > 1e-3 else { return nil }
      let opacity = Double((0.85 * share.squareRoot()))
      return "<rect x=\"\(pixel % width)\" y=\"\(pixel / width)\" width=\"1\" height=\"1\" fill=\"#d9480f\" "
        + "fill-opacity=\"\(opacity.fixed(2))\"/>"
    }
    func frame(_ side: Double, _ colour: String, _ what: String) -> String {
      let (x, y) = (Double(width / 2) + 0.5 - side / 2, Double(height / 2) + 0.5 - side / 2)
      return "<rect x=\"\(x.fixed(2))\" y=\"\(y.fixed(2))\" width=\"\(side.fixed(2))\" height=\"\(side.fixed(2))\" "
        + "fill=\"none\" stroke=\"\(colour)\" stroke-width=\"0.5\"><title>\(what)</title></rect>"
    }
    let theoretical = theoreticalSide.map { frame(Double($0), "#3b82c4", "theoretical receptive field") } ?? ""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width * scale)" height="\(height * scale)" \
      viewBox="0 0 \(width) \(height)" role="img" aria-label="\(title)">
      <image width="\(width)" height="\(height)" style="image-rendering:pixelated" \
      href="data:image/png;base64,\(Data(png).base64EncodedString())"/>
      \(squares.joined(separator: "\n"))
      \(theoretical)
      \(frame(effectiveSide, "#2f9e6e", "95 % of the influence"))
      </svg>

      """
  }
}
