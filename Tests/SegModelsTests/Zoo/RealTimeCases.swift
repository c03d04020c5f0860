import SegModels

extension ZooCase {
  static let realTime: [ZooCase] = [
    ZooCase("enet", enet(ENet())),
    ZooCase("enet-published", enet(.published)),
    ZooCase("bisenetv1", biSeNetV1),
    ZooCase("bisenetv2", biSeNetV2),
    ZooCase("fast-scnn", fastSCNN),
  ]

  private static func enet(_ network: ENet) -> ENet {
    var network = network
    network.widths = [8, 16, 32]
    network.classes = 4
    return network
  }

  private static var biSeNetV1: BiSeNetV1 {
    var network = BiSeNetV1()
    network.backbone.width = 4
    network.backbone.blocks = [1, 1, 1, 1]
    network.spatialWidth = 4
    network.pathWidth = 8
    network.fusionWidth = 12
    network.classes = 3
    return network
  }

  private static var biSeNetV2: BiSeNetV2 {
    var network = BiSeNetV2()
    network.detailWidths = [4, 4, 8]
    network.semanticWidths = [4, 4, 6, 8]
    network.headWidth = 12
    network.auxiliaryWidth = 6
    network.classes = 3
    return network
  }

  private static var fastSCNN: FastSCNN {
    var network = FastSCNN()
    network.stemWidths = [4, 6, 8]
    network.bottleneckWidths = [8, 8, 12]
    network.repeats = [1, 2, 2]
    network.width = 8
    network.classes = 3
    return network
  }
}
