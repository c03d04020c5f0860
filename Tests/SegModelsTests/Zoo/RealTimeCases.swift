import SegModels

extension ZooCase {
  static let realTime: [ZooCase] = [
    ZooCase("enet", enet), ZooCase("bisenetv2", biSeNetV2), ZooCase("fast-scnn", fastSCNN),
  ]

  private static var enet: ENet {
    var network = ENet()
    network.widths = [8, 16, 32]
    network.classes = 4
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
