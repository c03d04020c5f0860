/// The networks that can be made by name.
public enum ModelRegistry {
  /// All of them by family, in the order in which they are listed.
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
  ]

  /// All of them, in the order in which they are listed.
  public static let all: [ModelDescription] = families.flatMap(\.models)

  /// The network of a name, or `nil` where there is none.
  public static func find(_ name: String) -> ModelDescription? { all.first { $0.name == name } }
}
