import Foundation
import SegEngine
import SegFiles
import SegModels

/// A trained network in a folder: `network.json` says which network it is and how images are prepared, `best.safetensors` has its weights.
package struct TrainedNetwork: Codable, Sendable, Hashable {
  /// The name of the network in ``ModelRegistry``, or of the ONNX file that it was trained from.
  package var network: String
  /// The ONNX file in the folder, with its settings beside it, that is the network; `nil` for a network of the registry.
  package var file: String?
  /// The number of logits of a pixel.
  package var classes: Int
  /// The number of channels of the image.
  package var inputChannels: Int
  /// The channels of each level of a U-Net, the finest first; `nil` for those of the registry.
  package var widths: [Int]?
  /// The preparation of images, and the names of the classes.
  package var settings: PredictionSettings

  package init(
    network: String, file: String? = nil, classes: Int, inputChannels: Int, widths: [Int]? = nil,
    settings: PredictionSettings = .init()
  ) {
    self.network = network
    self.file = file
    self.classes = classes
    self.inputChannels = inputChannels
    self.widths = widths
    self.settings = settings
  }

  /// The name of the file that describes the network.
  package static let fileName = "network.json"
  /// The name of the ONNX file of a network that was trained from one.
  package static let onnxName = "best.onnx"
  /// The name of the file of the weights.
  package static let weightsName = "best.safetensors"

  /// Returns whether a folder has a trained network.
  package static func isFolder(_ path: String) -> Bool { FileSystem.exists(joined(path, fileName)) }

  /// Reads the description of the network of a folder.
  ///
  /// - Throws: `FileError`, ``NetworkError/trained(path:reason:)``.
  package init(folder: String) throws {
    let path = joined(folder, TrainedNetwork.fileName)
    let bytes = try FileSystem.contents(of: path)
    do {
      self = try JSONDecoder().decode(TrainedNetwork.self, from: Data(bytes))
    } catch {
      throw NetworkError.trained(path: path, reason: "\(error)")
    }
  }

  /// Writes the description into a folder.
  package func write(folder: String) throws {
    try FileSystem.write([UInt8](JSONEncoder.settings.encode(self)) + [10], to: joined(folder, TrainedNetwork.fileName))
  }

  /// Makes the network.
  ///
  /// - Throws: ``NetworkError`` if the registry does not have it, or it cannot have these channels and classes.
  package func makeNetwork() throws(NetworkError) -> any SegmentationNetwork {
    guard let description = ModelRegistry.find(network) else { throw .unknownName(network) }
    guard (1...4096).contains(classes) else { throw .classes(classes) }
    guard (1...4096).contains(inputChannels) else {
      throw .trained(path: network, reason: "a network has 1 to 4096 input channels, not \(inputChannels)")
    }
    var made = description.network
    if let widths {
      guard var unet = made as? UNet else {
        throw .trained(path: network, reason: "widths belong to a U-Net")
      }
      guard widths.count >= 2, widths.allSatisfy({ (1...65536).contains($0) }) else {
        throw .trained(path: network, reason: "\(widths) are not the widths of two or more levels")
      }
      unet.widths = widths
      made = unet
    }
    made.classes = classes
    made.inputChannels = inputChannels
    return made
  }

  /// Describes the network with its preparation of images.
  ///
  /// - Parameter name: The name of the description.
  /// - Throws: ``NetworkError``, `SettingsError`.
  package func makeDescription(named name: String) throws -> ModelDescription {
    let made = try makeNetwork()
    try settings.validate()
    return ModelDescription(
      name, "\(made.title), trained", size: Extent2D(max(256, made.minimumSize.height, made.minimumSize.width)), made,
      preprocessing: try settings.preprocessing(inputChannels: inputChannels),
      postprocessing: try settings.postprocessing(outputChannels: classes),
      classList: try settings.classList(classes: classes == 1 ? 2 : classes))
  }
}
