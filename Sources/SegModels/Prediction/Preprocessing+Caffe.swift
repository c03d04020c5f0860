import SegEngine

extension Preprocessing {
  /// What networks of Caffe expect: blue, green and red from 0 to 255, less the means of ImageNet's images, stretched to a size.
  public static func caffe(_ size: Extent2D) -> Preprocessing {
    Preprocessing(channels: .bgr, fit: .stretch(size), range: .step, mean: [104.008, 116.669, 122.675])
  }
}
