import SegEngine

/// A semantic segmentation network: an encoder computes feature maps, a decoder combines them, and a head computes a
/// logit for each class and pixel.
///
/// A conforming type is a value whose properties are the hyperparameters of its paper. It adds its operators to a
/// graph. Parameters have the names used in the checkpoints it follows. Feature maps are `[batch, height, width,
/// channels]`.
public protocol SegmentationNetwork: Sendable {
  /// The network's name in reports, such as `DeepLabV3 ResNet-50`.
  var title: String { get }

  /// The number of channels of the input image.
  var inputChannels: Int { get set }

  /// The number of logits per pixel.
  var classes: Int { get set }

  /// The feature maps that ``encoder(_:)`` returns, in the same order: the finest first.
  var features: [Feature] { get }

  /// The names of the auxiliary outputs, which are used in training only, in the order of
  /// ``auxiliaryHeads(_:_:like:)``.
  var auxiliaryOutputs: [String] { get }

  /// The smallest supported height and width of an image.
  var minimumSize: Extent2D { get }

  /// The mapping from names in checkpoints to this network's names.
  var checkpoints: CheckpointMapping { get }

  /// Computes the feature maps of an image `[batch, height, width, inputChannels]`, one for each of ``features``.
  func encoder(_ image: Value) -> [Value]

  /// Computes the inputs of the heads from the encoder's feature maps: first the map for the logits, then further maps
  /// for auxiliary heads.
  func decoder(_ features: [Value]) -> [Value]

  /// Computes the logits `[batch, height, width, classes]` at the image's size, from the decoder's maps.
  func head(_ maps: [Value], like image: Value) -> Value

  /// Computes the logits of the auxiliary heads, one for each of ``auxiliaryOutputs``, from the maps of encoder and
  /// decoder.
  func auxiliaryHeads(_ features: [Value], _ maps: [Value], like image: Value) -> [Value]

  /// Adds the network to a graph and returns the logits and, if requested, those of the auxiliary heads. By default it
  /// calls encoder, decoder and heads in turn.
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

  /// The graph of the network for images of `size` pixels. The input is `image`, `[1, height, width, inputChannels]`.
  /// The output is `logits`, `[1, height, width, classes]`, and, if requested, each of ``auxiliaryOutputs`` under its
  /// name. The graph can be compiled for other sizes and batches.
  ///
  /// - Precondition: `inputChannels` and `classes` are positive.
  /// - Throws: `GraphError` if the image is too small for the network.
  public func graph(size: Extent2D = 256, auxiliary: Bool = false) throws -> Graph {
    precondition(inputChannels > 0 && classes > 0, "input channels and classes must be positive")
    return try Graph(title) { g in
      let image = g.input("image", [1, size.height, size.width, inputChannels])
      let outputs = outputs(of: image, auxiliary: auxiliary)
      g.output("logits", outputs.logits)
      for (name, logits) in zip(auxiliaryOutputs, outputs.auxiliary) { g.output(name, logits) }
    }
  }
}
