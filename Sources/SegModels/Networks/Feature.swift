import SegEngine

/// Describes a feature map of an encoder: name, channels, and stride relative to the image.
public struct Feature: Hashable, Sendable {
  /// The stage that computes it, such as `layer4`.
  public let name: String
  /// The number of channels.
  public let channels: Int
  /// The output stride: image pixels per pixel of the map, along each axis.
  public let stride: Int

  /// Creates a description of a feature map.
  public init(_ name: String, channels: Int, stride: Int) {
    self.name = name
    self.channels = channels
    self.stride = stride
  }
}
