import SegEngine

/// The design space of the search: families of networks with choices of width, depth, output stride, upsampling and
/// separable or ordinary convolutions, each at several image resolutions.
public enum DesignSpace {
  /// The names of the families.
  public static let families = [
    "unet", "unet-backbone", "fpn", "deeplabv3plus", "lraspp", "bisenetv1", "bisenetv2", "enet", "fast-scnn",
  ]

  /// The scale factors of the image's height and width.
  public static let scales = [1.0, 0.75, 0.5]

  /// The designs of a list of families, for images of a size.
  public static func designs(of families: [String], size: Extent2D, classes: Int) -> [NetworkDesign] {
    scales.flatMap { scale -> [NetworkDesign] in
      // Rounds to multiples of 32, the largest stride.
      func scaled(_ extent: Int) -> Int {
        scale == 1 ? extent : max(32, Int((Double(extent) * scale / 32).rounded()) * 32)
      }
      let seen = Extent2D(height: scaled(size.height), width: scaled(size.width))
      return families.flatMap { family in
        networks(of: family).map { choices, network in
          var network = network
          network.classes = classes
          return NetworkDesign(family: family, choices: choices, network: network, size: seen)
        }
      }
    }
  }

  private static func networks(of family: String) -> [(String, any SegmentationNetwork)] {
    switch family {
    case "unet": unets
    case "unet-backbone": backboneUNets
    case "fpn": pyramids
    case "deeplabv3plus": deepLabs
    case "lraspp": liteNetworks
    case "bisenetv1": [18, 34].flatMap { depth in [32, 64].map { bilateral(depth: depth, width: $0) } }
    case "bisenetv2": [0.5, 1.0, 1.5].map(guided)
    case "enet": [0.5, 1.0, 1.5, 2.0].map(enet)
    case "fast-scnn": [0.5, 1.0, 1.5, 2.0].map(fastSCNN)
    default: []
    }
  }

  // MARK: Families

  private static var unets: [(String, any SegmentationNetwork)] {
    let ways: [(String, Upsampling)] = [
      ("transposed", .transposedConvolution), ("bilinear", .bilinear(aligningCorners: false)), ("sub-pixel", .subpixel),
    ]
    return [16, 24, 32, 48, 64].flatMap { width in
      [3, 4, 5].flatMap { levels in
        ways.map { name, upsampling in
          var network = UNet()
          network.widths = (0..<levels).map { width << $0 }
          network.upsampling = upsampling
          network.narrowsDecoder = !upsampling.changesWidth
          return ("width \(width), \(levels) levels, \(name)", network)
        }
      }
    }
  }

  /// The encoders of pyramids and U-Nets with an output stride, ordinary and separable.
  private static func backbones(outputStride: Int = 32) -> [(String, any Backbone)] {
    let residual: [(String, ResNet)] = [
      ("ResNet-18", .resNet18), ("ResNet-34", .resNet34), ("ResNet-50", .resNet50),
    ]
    return residual.map { name, network in
      (name, outputStride == 32 ? network : network.dilated(outputStride: outputStride, .withFirstBlock))
    } + [0.5, 1.0, 1.4].map { ("MobileNetV2 ×\($0)", MobileNetV2(widthMultiplier: $0, outputStride: outputStride)) }
  }

  private static var backboneUNets: [(String, any SegmentationNetwork)] {
    backbones().flatMap { name, backbone in
      [1, 2].map { divisor in
        var network = EncoderUNet(backbone)
        network.decoderWidths = network.decoderWidths.map { $0 / divisor }
        return ("\(name), decoder \(network.decoderWidths[0])", network)
      }
    }
  }

  private static var pyramids: [(String, any SegmentationNetwork)] {
    backbones().flatMap { name, backbone in
      [64, 128, 256].map { width in
        var network = FPN(backbone)
        network.pyramidWidth = width
        network.width = width / 2
        return ("\(name), pyramid \(width)", network)
      }
    }
  }

  private static var deepLabs: [(String, any SegmentationNetwork)] {
    [16, 8].flatMap { stride in
      backbones(outputStride: stride).flatMap { name, backbone in
        [(true, 256), (false, 256), (true, 128), (false, 128)].map { isSeparable, width in
          var network = DeepLabV3Plus(backbone)
          network.isSeparable = isSeparable
          network.width = width
          network.rates = stride == 16 ? [6, 12, 18] : [12, 24, 36]
          return ("\(name), stride \(stride), \(isSeparable ? "separable" : "ordinary") \(width)", network)
        }
      }
    }
  }

  private static var liteNetworks: [(String, any SegmentationNetwork)] {
    [true, false].flatMap { isDilated in
      [64, 128].map { width in
        var network = LRASPP(MobileNetV3(isDilated: isDilated, prefix: ""))
        network.width = width
        return ("MobileNetV3-Large, stride \(isDilated ? 16 : 32), width \(width)", network)
      }
    }
  }

  private static func bilateral(depth: Int, width: Int) -> (String, any SegmentationNetwork) {
    var network = BiSeNetV1()
    network.backbone = depth == 18 ? .resNet18 : .resNet34
    network.spatialWidth = width
    network.pathWidth = 2 * width
    network.fusionWidth = 4 * width
    return ("ResNet-\(depth), width \(width)", network)
  }

  private static func guided(_ factor: Double) -> (String, any SegmentationNetwork) {
    var network = BiSeNetV2()
    network.detailWidths = network.detailWidths.map { scaled($0, factor) }
    network.semanticWidths = network.semanticWidths.map { scaled($0, factor) }
    network.headWidth = scaled(network.headWidth, factor)
    return ("×\(factor)", network)
  }

  private static func enet(_ factor: Double) -> (String, any SegmentationNetwork) {
    var network = ENet()
    network.widths = network.widths.map { scaled($0, factor) }
    return ("×\(factor)", network)
  }

  private static func fastSCNN(_ factor: Double) -> (String, any SegmentationNetwork) {
    var network = FastSCNN()
    network.stemWidths = network.stemWidths.map { scaled($0, factor) }
    network.bottleneckWidths = network.bottleneckWidths.map { scaled($0, factor) }
    network.width = scaled(network.width, factor)
    return ("×\(factor)", network)
  }

  /// A width times a factor, rounded to a multiple of 8.
  private static func scaled(_ width: Int, _ factor: Double) -> Int {
    max(8, Int((Double(width) * factor / 8).rounded()) * 8)
  }
}
