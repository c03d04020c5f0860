import SegEngine

extension ModelFamily {
  /// U-Nets.
  static let unet = ModelFamily(
    "U-Net",
    [
      ModelDescription(
        "pupil-unet", "U-Net 32–128 with spatial attention: the pupil in camera frames of a mouse's eye", size: 148,
        UNet.pupil,
        // The packaged network's threshold is 0.5; its labelled frames are evaluated at 0.7.
        preprocessing: Preprocessing(channels: .grey, fit: .letterbox(148)), postprocessing: .threshold(0.7),
        classList: ClassList(names: ["background", "pupil"])),
      ModelDescription(
        "nuclei-unet", "U-Net 16–256: nuclei and micronuclei in fluorescence micrographs", size: 512, UNet.nuclei,
        // Mean and deviation of the images that it was trained with.
        preprocessing: Preprocessing(
          channels: .grey, fit: .keep(multipleOf: 16), range: .percentiles, mean: [0.061285846], deviation: [0.11240539]
        ),
        postprocessing: .argmax, classList: ClassList(names: ["background", "nucleus", "micronucleus"])),
      unet("unet", "U-Net 64–1024, transposed convolutions, 3→21") { _ in },
      unet("unet-bilinear", "U-Net 64–1024, bilinear up-sampling, 3→21") {
        $0.upsampling = .bilinear(aligningCorners: true)
        $0.widths = [64, 128, 256, 512, 512]
        $0.narrowsDecoder = true
      },
      unet("unet-add", "U-Net 64–1024, skips by addition, 3→21") { $0.skip = .addition },
      unet("unet-learned-skip", "U-Net 64–1024, skips by a sum with learned weights, 3→21") { $0.skip = .learnedSum },
      unet("attention-unet", "U-Net 64–1024 with attention gates on the skips, 3→21") { $0.skip = .attentionGate },
      unet("unet-dense-skips", "U-Net 64–1024, each level takes all finer features at 64 channels, 3→21") {
        $0.skip = .dense(width: 64)
      },
      unet("unet-level-attention", "U-Net 64–1024, attention over the encoder's levels, 3→21") {
        $0.skip = .levelAttention
      },
      unet("unet-subpixel", "U-Net 64–1024, sub-pixel up-sampling, 3→21") { $0.upsampling = .subpixel },
      unet("unet-unpooling", "U-Net 64–1024, max-unpooling, 3→21") { $0.upsampling = .maxUnpooling },
    ])

  private static func unet(_ name: String, _ summary: String, _ configure: (inout UNet) -> Void) -> ModelDescription {
    var network = UNet()
    network.classes = 21
    configure(&network)
    return ModelDescription(name, summary, size: 256, network, preprocessing: Preprocessing(fit: .stretch(256)))
  }
}
