import SegEngine

extension Preprocessing {
  /// The preprocessing of Caffe networks: blue, green and red from 0 to 255, minus ImageNet's means, stretched to a
  /// size.
  public static func caffe(_ size: Extent2D) -> Preprocessing {
    Preprocessing(channels: .bgr, fit: .stretch(size), range: .unscaled, mean: [104.008, 116.669, 122.675])
  }
}
