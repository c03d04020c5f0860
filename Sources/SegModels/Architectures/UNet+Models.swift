import SegEngine

extension ModelFamily {
  /// U-Nets.
  static let unet = ModelFamily(
    "U-Net",
    [
      ModelDescription(
        "pupil-unet", "U-Net 32–128 with spatial attention: the pupil in camera frames of a mouse's eye", size: 148,
        UNet.pupil,
        // The packaged network's own threshold is 0.5; its labelled frames are scored at 0.7.
        preprocessing: Preprocessing(channels: .grey, fit: .letterbox(148)), postprocessing: .threshold(0.7)),
      unet("unet", "U-Net 64–1024, transposed convolutions, 3→21") { _ in },
      unet("unet-bilinear", "U-Net 64–1024, bilinear up-sampling, 3→21") {
        $0.upsampling = .bilinear(aligningCorners: true)
        $0.widths = [64, 128, 256, 512, 512]
        $0.narrowsDecoder = true
      },
      unet("unet-add", "U-Net 64–1024, skips by addition, 3→21") { $0.skip = .addition },
      unet("attention-unet", "U-Net 64–1024 with attention gates on the skips, 3→21") { $0.skip = .attentionGate },
    ])

  private static func unet(_ name: String, _ summary: String, _ configure: (inout UNet) -> Void) -> ModelDescription {
    var network = UNet()
    network.classes = 21
    configure(&network)
    return ModelDescription(name, summary, size: 256, network, preprocessing: Preprocessing(fit: .stretch(256)))
  }
}
