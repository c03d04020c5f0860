import Foundation
import SegFiles

/// The log of a training: JSON, a line a step and a line a validation.
package final class TrainingLog {
  private let path: String
  private let file: AppendedFile

  /// A line of the log.
  package struct Entry: Codable {
    package var step: Int
    package var loss: Double?
    package var rate: Double?
    package var gradientNorm: Double?
    /// Seconds since the training began, without pauses.
    package var seconds: Double?
    /// The intersection over union of each class in a validation; `null` for a class that occurs in neither mask nor prediction.
    package var iou: [Double?]?
    package var meanIoU: Double?
  }

  /// Opens the log, and removes the lines of steps after the last one, which will be run again.
  init(_ path: String, keepingThrough step: Int) throws {
    self.path = path
    let lines = String(decoding: try FileSystem.contents(of: path), as: UTF8.self).split(separator: "\n")
    let kept = lines.filter { line in
      (try? JSONDecoder().decode(Entry.self, from: Data(line.utf8))).map { $0.step <= step } ?? false
    }
    try TrainingOutputError.writing(path) {
      try FileSystem.write(Array(kept.map { $0 + "\n" }.joined().utf8), to: path)
    }
    file = try TrainingOutputError.writing(path) { try AppendedFile(path) }
  }

  /// Adds a line.
  func append(_ entry: Entry) throws(TrainingOutputError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    try TrainingOutputError.writing(path) { try file.append([UInt8](encoder.encode(entry)) + [10]) }
  }
}
