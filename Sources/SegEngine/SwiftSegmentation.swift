/// The name and version of this library, as files that it writes state them.
package enum SwiftSegmentation {
  package static let name = "swift-segmentation"
  package static let version = "0.1.0"
}
