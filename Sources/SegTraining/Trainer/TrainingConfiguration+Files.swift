import Foundation
import SegFiles
import SegModels

extension TrainingConfiguration {
  /// Reads a configuration, JSON with all choices.
  ///
  /// - Throws: `FileError`; ``TrainingConfigurationError`` for a value that is missing, unknown or of another type.
  public init(contentsOf path: String) throws {
    let bytes = try FileSystem.contents(of: path)
    do {
      self = try JSONDecoder().decode(TrainingConfiguration.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw TrainingConfigurationError("\(path): \(error.complaint)")
    }
    let known = Set(Mirror(reflecting: self).children.compactMap(\.label))
    let keys = (try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])?.keys.sorted() ?? []
    if let unknown = keys.first(where: { !known.contains($0) }) {
      throw TrainingConfigurationError("\(path): there is no choice \(unknown)")
    }
  }

  /// Writes the configuration as JSON.
  ///
  /// - Throws: `FileError`.
  public func write(to path: String) throws {
    try FileSystem.write([UInt8](JSONEncoder.settings.encode(self)) + [10], to: path)
  }
}

extension DecodingError {
  /// One line that names the key.
  fileprivate var complaint: String {
    func name(_ path: [any CodingKey]) -> String { path.map(\.stringValue).joined(separator: ".") }
    switch self {
    case .keyNotFound(let key, let context): return "\(name(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      let place = name(context.codingPath)
      return place.isEmpty
        ? "is no configuration: \(context.debugDescription)" : "\(place): \(context.debugDescription)"
    @unknown default: return "\(self)"
    }
  }
}
