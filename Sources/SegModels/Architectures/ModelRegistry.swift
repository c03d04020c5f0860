import SegEngine

/// A network that can be made by name.
public struct ModelDescription: Sendable {
  /// The name on the command line.
  public let name: String
  /// One line on what it is.
  public let summary: String
  /// Height and width it is built for unless told otherwise.
  public let defaultSize: Extent2D
  /// The number of its classes; a network of one logit has two, background and foreground.
  public let classes: Int
  /// What is done to images first.
  public let preprocessing: Preprocessing
  /// What makes labels out of its logits.
  public let postprocessing: Postprocessing
  /// Makes the graph for a height and width.
  public let makeGraph: @Sendable (Extent2D) throws -> Graph
}

/// The networks that can be made by name.
public enum ModelRegistry {
  /// All of them, in the order in which they are listed.
  public static let all: [ModelDescription] = [
    ModelDescription(
      name: "pupil-unet", summary: "U-Net 32–128 with spatial attention: the pupil in camera frames of a mouse's eye",
      defaultSize: 148, classes: 2,
      // The packaged network's own threshold is 0.5; its labelled frames are scored at 0.7.
      preprocessing: Preprocessing(channels: .grey, fit: .letterbox(148)), postprocessing: .threshold(0.7),
      makeGraph: { try UNet.pupil.graph(size: $0) }),
    unet("unet", "U-Net 64–1024, transposed convolutions, 3→21") { _ in },
    unet("unet-bilinear", "U-Net 64–1024, bilinear up-sampling, 3→21") {
      $0.upsampling = .bilinear(aligningCorners: true)
      $0.widths = [64, 128, 256, 512, 512]
      $0.narrowsDecoder = true
    },
    unet("unet-add", "U-Net 64–1024, skips by addition, 3→21") { $0.skip = .addition },
    unet("attention-unet", "U-Net 64–1024 with attention gates on the skips, 3→21") { $0.skip = .attentionGate },
  ]

  /// The network of a name, or `nil` where there is none.
  public static func find(_ name: String) -> ModelDescription? { all.first { $0.name == name } }

  private static func unet(
    _ name: String, _ summary: String, _ configure: @Sendable (inout UNet) -> Void
  ) -> ModelDescription {
    var network = UNet()
    network.classes = 21
    configure(&network)
    let configured = network
    return ModelDescription(
      name: name, summary: summary, defaultSize: 256, classes: 21,
      preprocessing: Preprocessing(fit: .stretch(256)), postprocessing: .argmax,
      makeGraph: { try configured.graph(size: $0) })
  }
}
