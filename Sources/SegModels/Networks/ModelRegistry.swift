/// The networks that can be created by name.
public enum ModelRegistry {
  /// All networks by family, in listing order.
  public static let families: [ModelFamily] = [
    .unet,
    .nestedUNet,
    .encoderUNet,
    .fcn,
    .pyramids,
    .deepLab,
    .segFormer,
    .setr,
    .segmenter,
    .realTime,
    .salient,
  ]

  /// All networks, in listing order.
  public static let all: [ModelDescription] = families.flatMap(\.models)

  /// The network with a name, or `nil` if there is none.
  public static func find(_ name: String) -> ModelDescription? { all.first { $0.name == name } }
}
