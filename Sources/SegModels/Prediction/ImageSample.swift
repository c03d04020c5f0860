import SegEngine

/// A sample as stored in an image.
protocol ImageSample {
  associatedtype Working: WorkingSample
  /// The sample in the type that resizing computes with.
  var working: Working { get }
}

extension UInt8: ImageSample {
  var working: UInt8 { self }
}

extension UInt16: ImageSample {
  var working: Float { Float(self) }
}

extension Float: ImageSample {
  var working: Float { self }
}
