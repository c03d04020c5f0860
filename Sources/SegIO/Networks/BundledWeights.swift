import CBundledWeights
import SegEngine
import SegFiles
import SegModels
import SegWeights

/// Weights that are part of the library, for networks of the registry.
public enum BundledWeights {
  /// Sets a number of bytes, and returns their address.
  private typealias Access = @Sendable (UnsafeMutablePointer<Int>) -> UnsafeRawPointer?

  private static let files: [(name: String, access: Access)] = [
    ("u2netp", { seg_bundled_u2netp($0) }), ("nuclei-unet", { seg_bundled_nuclei_unet($0) }),
  ]

  /// The names of the networks that have weights.
  public static let networks = files.map(\.name)

  /// The network of a program that is given none: it separates the salient object of a photo from the background.
  public static let defaultNetwork = "u2netp"

  /// Returns the checkpoint of a network; `nil` if it has none.
  static func checkpoint(of name: String) throws(WeightsError) -> Checkpoint? {
    guard let access = files.first(where: { $0.name == name })?.access else { return nil }
    var count = 0
    let start = access(&count)
    let file = FileBytes(filling: count) { $0.copyMemory(from: UnsafeRawBufferPointer(start: start, count: count)) }
    return try Checkpoint(file, named: "the weights of \(name) in the library")
  }
}
