import CBundledWeights
import SegEngine
import SegFiles
import SegModels
import SegWeights

/// Weights that are part of the library, for networks of the registry.
public enum BundledWeights {
  /// The names of the networks that have weights.
  public static let networks = ["u2netp", "nuclei-unet"]

  /// The network of a program that is given none: it separates the salient object of a photo from the background.
  public static let defaultNetwork = "u2netp"

  /// Returns the checkpoint of a network; `nil` if it has none.
  static func checkpoint(of name: String) throws(WeightsError) -> Checkpoint? {
    let bytes: (UnsafeMutablePointer<Int>) -> UnsafeRawPointer?
    switch name {
    case "u2netp": bytes = { seg_bundled_u2netp($0) }
    case "nuclei-unet": bytes = { seg_bundled_nuclei_unet($0) }
    default: return nil
    }
    var count = 0
    let start = bytes(&count)
    let file = FileBytes(filling: count) { $0.copyMemory(from: UnsafeRawBufferPointer(start: start, count: count)) }
    return try Checkpoint(file, named: "the weights of \(name) in the library")
  }
}
