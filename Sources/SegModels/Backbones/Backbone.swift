import SegEngine

/// A classification network whose feature maps at several strides serve as an encoder.
///
/// Parameters are named, within the current scope, as in the checkpoints that the backbone follows.
public protocol Backbone: Sendable {
  /// The backbone's name in reports, such as `ResNet-50`.
  var title: String { get }

  /// Channels of the input image.
  var inputChannels: Int { get set }

  /// The feature maps it computes, the finest first.
  var features: [Feature] { get }

  /// Computes the feature maps of an image, one for each of ``features``.
  func features(of image: Value) -> [Value]

  /// Computes the logits of the classifier that the backbone was trained with, `[batch, classes]`, from its feature
  /// maps.
  func classifier(_ features: [Value], classes: Int) -> Value
}

extension Backbone {
  /// The backbone with its classifier: input `image` `[1, height, width, inputChannels]`, output `logits` `[1,
  /// classes]`.
  ///
  /// - Throws: `GraphError` if the image is too small.
  public func classificationGraph(size: Extent2D = 224, classes: Int = 1000) throws -> Graph {
    try Graph(title) { g in
      let image = g.input("image", [1, size.height, size.width, inputChannels])
      g.output("logits", classifier(features(of: image), classes: classes))
    }
  }
}
