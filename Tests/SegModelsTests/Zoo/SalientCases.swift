import SegModels

extension ZooCase {
  static let salient: [ZooCase] = [ZooCase("u2net", u2Net)]

  private static var u2Net: U2Net {
    var network = U2Net()
    network.widths = [6, 8, 10, 12, 12, 12]
    network.innerWidths = [3, 3, 4, 4, 5, 6]
    network.decoderInnerWidths = [2, 3, 4, 5, 6]
    network.classes = 2
    return network
  }
}
