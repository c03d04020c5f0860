import SegEngine

/// A feature map that an encoder gives: what it is called, how wide it is, and how much smaller than the image.
public struct Feature: Hashable, Sendable {
  /// The stage that makes it, such as `layer4`.
  public let name: String
  /// Its channels.
  public let channels: Int
  /// Pixels of the image to one of this map along each axis; a map of a height of n pixels comes from about n · stride.
  public let stride: Int

  /// Describes a feature map.
  public init(_ name: String, channels: Int, stride: Int) {
    self.name = name
    self.channels = channels
    self.stride = stride
  }
}

/// A network for semantic segmentation: an encoder that turns an image into feature maps, a decoder that joins them, and a head
/// that gives a logit for each class and pixel.
///
/// A conforming type is a value whose properties are what its paper lets one choose. It describes itself by adding operators to a
/// graph; parameters have the names of the checkpoints that it follows. Feature maps are `[batch, height, width, channels]`.
public protocol SegmentationNetwork: Sendable {
  /// The network's name for reports, such as `DeepLabV3 ResNet-50`.
  var title: String { get }

  /// Channels of the input image.
  var inputChannels: Int { get set }

  /// Logits for each pixel.
  var classes: Int { get set }

  /// The feature maps that ``encoder(_:)`` gives, in its order: the finest first.
  var features: [Feature] { get }

  /// The names of the outputs that only training needs, in the order of ``auxiliaryHeads(_:_:like:)``.
  var auxiliaryOutputs: [String] { get }

  /// The smallest height and width of an image.
  var minimumSize: Extent2D { get }

  /// How the names in checkpoints become this network's.
  var checkpoints: CheckpointMapping { get }

  /// The feature maps of an image `[batch, height, width, inputChannels]`, one for each of ``features``.
  func encoder(_ image: Value) -> [Value]

  /// What the heads take, from the feature maps of the encoder: first the map that becomes the logits, then those that auxiliary
  /// heads want besides.
  func decoder(_ features: [Value]) -> [Value]

  /// The logits `[batch, height, width, classes]` at the image's size, from the decoder's maps.
  func head(_ maps: [Value], like image: Value) -> Value

  /// The logits of the auxiliary heads, one for each of ``auxiliaryOutputs``, from the maps of encoder and decoder.
  func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value]

  /// Adds the network to a graph: the logits, and where wanted those of the auxiliary heads. By default encoder, decoder and heads
  /// one after the other.
  func outputs(of image: Value, auxiliary: Bool) -> (logits: Value, auxiliary: [Value])
}

extension SegmentationNetwork {
  public var auxiliaryOutputs: [String] { [] }

  /// One pixel of the coarsest feature map.
  public var minimumSize: Extent2D { Extent2D(features.map(\.stride).max() ?? 1) }

  public func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value] { [] }

  public func outputs(of image: Value, auxiliary: Bool) -> (logits: Value, auxiliary: [Value]) {
    let features = encoder(image)
    let maps = decoder(features)
    return (head(maps, like: image), auxiliary ? auxiliaryHeads(features, maps, like: image) : [])
  }

  /// The network for images of `size` pixels: input `image` `[1, height, width, inputChannels]`, output `logits` `[1, height,
  /// width, classes]`, and where wanted each of ``auxiliaryOutputs`` by its name. Compiled for other sizes and batches as it is.
  ///
  /// - Precondition: the channels are positive.
  /// - Throws: `GraphError` where the image is too small for the network.
  public func graph(size: Extent2D = 256, auxiliary: Bool = false) throws -> Graph {
    precondition(inputChannels > 0 && classes > 0, "channels are positive")
    return try Graph(title) { g in
      let image = g.input("image", [1, size.height, size.width, inputChannels])
      let outputs = outputs(of: image, auxiliary: auxiliary)
      g.output("logits", outputs.logits)
      for (name, logits) in zip(auxiliaryOutputs, outputs.auxiliary) { g.output(name, logits) }
    }
  }
}
