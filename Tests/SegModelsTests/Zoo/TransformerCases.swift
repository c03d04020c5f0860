import SegModels

extension ZooCase {
  static let transformers: [ZooCase] =
    [
      ZooCase("segformer", segFormer(.segmentationModels)),
      ZooCase("segformer-original", segFormer(.original)),
      ZooCase("segformer-hf", segFormer(.huggingFace)),
      ZooCase("segmenter-mask", segmenter(.mask(depth: 2))),
      ZooCase("segmenter-linear", segmenter(.linear)),
    ]
    + [("naive", SETR.Decoder.naive), ("pup", .progressive), ("mla", .multiLevel)].map {
      ZooCase("setr-\($0)", setr($1))
    }

  private static func segFormer(_ keys: SegFormer.Keys) -> SegFormer {
    var network = SegFormer(MixTransformer(widths: [8, 8, 10, 16], depths: [1, 1, 2, 1]), keys: keys)
    network.decoderWidth = 12
    network.classes = 3
    return network
  }

  private static func segmenter(_ decoding: SegmenterNetwork.Decoder) -> SegmenterNetwork {
    var network = SegmenterNetwork(VisionTransformer(width: 24, depth: 2, heads: 3, patch: 8), embeddedSize: 32)
    network.decoding = decoding
    network.classes = 4
    return network
  }

  private static func setr(_ decoder: SETR.Decoder) -> SETR {
    var network = SETR(
      VisionTransformer(width: 16, depth: 4, heads: 2, patch: 8), decoder: decoder, embeddedSize: 32)
    network.headWidth = 8
    network.multiLevelWidth = 4
    network.classes = 3
    if decoder == .progressive { network.auxiliaryConvolutions = 2 }
    return network
  }
}
