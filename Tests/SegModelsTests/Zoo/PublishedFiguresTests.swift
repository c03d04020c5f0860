import SegEngine
import SegModels
import Testing

/// Parameters and multiply–adds as published: of torchvision's networks on its model pages, of the others in their papers and
/// repositories. Multiplications only; a transposed convolution on its input's size.
struct PublishedFigure: Sendable, CustomTestStringConvertible {
  let name: String
  let graph: @Sendable () throws -> Graph
  let parameters: Int
  /// Multiply–adds in 10⁹ as many digits as are published; `nil` where they are not.
  let gmac: Double?
  let digits: Int
  /// Beginnings of the names that the figure leaves out.
  let leavingOut: String?

  init(
    _ name: String, parameters: Int, gmac: Double? = nil, digits: Int = 3, leavingOut: String? = nil,
    _ graph: @escaping @Sendable () throws -> Graph
  ) {
    self.name = name
    self.parameters = parameters
    self.gmac = gmac
    self.digits = digits
    self.leavingOut = leavingOut
    self.graph = graph
  }

  var testDescription: String { name }

  static let all: [PublishedFigure] = convolutional + others

  private static func registered(_ name: String, auxiliary: Bool) throws -> Graph {
    try #require(ModelRegistry.find(name)).network.graph(size: 520, auxiliary: auxiliary)
  }

  private static let convolutional: [PublishedFigure] = [
    PublishedFigure("FCN-ResNet50, auxiliary head", parameters: 35_322_218, gmac: 152.717) {
      try registered("fcn-resnet50", auxiliary: true)
    },
    PublishedFigure("FCN-ResNet101, auxiliary head", parameters: 54_314_346, gmac: 232.738) {
      try registered("fcn-resnet101", auxiliary: true)
    },
    PublishedFigure("DeepLabV3-ResNet50, auxiliary head", parameters: 42_004_074, gmac: 178.722) {
      try registered("deeplabv3-resnet50", auxiliary: true)
    },
    PublishedFigure("DeepLabV3-ResNet101, auxiliary head", parameters: 60_996_202, gmac: 258.743) {
      try registered("deeplabv3-resnet101", auxiliary: true)
    },
    PublishedFigure("DeepLabV3-MobileNetV3-Large, auxiliary head", parameters: 11_029_328, gmac: 10.452) {
      try registered("deeplabv3-mobilenet-v3-large", auxiliary: true)
    },
    PublishedFigure("LR-ASPP-MobileNetV3-Large", parameters: 3_221_538, gmac: 2.086) {
      try registered("lraspp-mobilenet-v3-large", auxiliary: true)
    },
    PublishedFigure("FCN-ResNet50", parameters: 32_957_013, gmac: 142.726) {
      try registered("fcn-resnet50", auxiliary: false)
    },
    PublishedFigure("DeepLabV3-ResNet50", parameters: 39_638_869, gmac: 168.731) {
      try registered("deeplabv3-resnet50", auxiliary: false)
    },
    PublishedFigure("ResNet-18", parameters: 11_689_512, gmac: 1.814) { try ResNet.resNet18.classificationGraph() },
    PublishedFigure("ResNet-50", parameters: 25_557_032, gmac: 4.089) { try ResNet.resNet50.classificationGraph() },
    PublishedFigure("ResNet-101", parameters: 44_549_160, gmac: 7.801) { try ResNet.resNet101.classificationGraph() },
    PublishedFigure("MobileNetV2", parameters: 3_504_872, gmac: 0.301) { try MobileNetV2().classificationGraph() },
    PublishedFigure("VGG-16", parameters: 138_357_544, gmac: 15.47, digits: 2) { try VGG16().classificationGraph() },
    PublishedFigure("FCN-32s without its enlargement", parameters: 134_346_581, leavingOut: "upscore") {
      try FCNVGG16(.s32).graph(size: 512)
    },
    PublishedFigure("DeepLab v1 LargeFOV", parameters: 20_505_429) { try DeepLabV1().graph(size: 513) },
  ]
}

@Suite struct PublishedFiguresTests {
  @Test(arguments: PublishedFigure.all) func figuresAreThePublishedOnes(_ figure: PublishedFigure) throws {
    let graph = try figure.graph()
    let summary = try GraphSummary(graph)
    let leftOut = graph.parameters.filter { info in figure.leavingOut.map { info.name.hasPrefix($0) } ?? false }
      .reduce(0) { $0 + $1.spec.shape.elementCount }
    #expect(summary.trainableParameterCount - leftOut == figure.parameters)
    if let gmac = figure.gmac {
      let scale = (0..<figure.digits).reduce(1.0) { scale, _ in scale * 10 }
      let counted = (Double(summary.total.macs) / 1e9 * scale).rounded()
      #expect(counted == (gmac * scale).rounded(), "\(summary.total.macs)")
    }
  }

  /// VGG-16's fifth pooling sees 212 pixels, and FCN's last layer 404 of stride 32 (Long et al. 2015, table 1).
  @Test func receptiveFieldsAreThePublishedOnes() throws {
    func field(_ maps: (Value) -> [Value]) throws -> ReceptiveField {
      let graph = try Graph("encoder") { g in
        let features = maps(g.input("image", [1, 256, 256, 3]))
        g.output("last", features[features.count - 1])
      }
      return try #require(try ReceptiveFields(graph)[output: "last"])
    }
    func sizeAndJump(_ field: ReceptiveField) -> [Int] {
      #expect(field.height == field.width && !field.isGlobal)
      return [field.height.size, Int(field.height.jump)]
    }
    #expect(sizeAndJump(try field { VGG16().features(of: $0) }) == [212, 32])
    #expect(sizeAndJump(try field { FCNVGG16(.s8).encoder($0) }) == [404, 32])
    // Squeezed maps depend on the whole image.
    #expect(try field { MobileNetV3().features(of: $0) }.isGlobal)
  }
}
