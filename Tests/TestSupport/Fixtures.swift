import Foundation

/// Files that tests read.
public enum Fixtures {
  /// The directory `Tests/Fixtures`.
  public static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  /// A file in it, by its path there.
  public static func url(_ path: String) -> URL { directory.appendingPathComponent(path) }
}
