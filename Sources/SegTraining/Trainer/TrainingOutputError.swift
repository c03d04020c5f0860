import SegFiles
import SegIO

/// A file of a training's folder that cannot be written, for instance because the disk is full.
public struct TrainingOutputError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One line that names the file and the cause.
  public let description: String

  /// Makes the error of a file.
  ///
  /// - Parameter error: The error of writing it.
  init(_ path: String, _ error: any Error) {
    switch error {
    case let error as FileError: description = error.description
    case let error as WeightsError: description = error.description
    default: description = "\(path): cannot be written: \(error)"
    }
  }

  /// Runs code that writes a file.
  static func writing<Result>(_ path: String, _ body: () throws -> Result) throws(TrainingOutputError) -> Result {
    do {
      return try body()
    } catch {
      throw TrainingOutputError(path, error)
    }
  }
}
