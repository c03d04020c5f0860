#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The progress of a command. It is shown only on a terminal and for more than one item.
struct ProgressBar {
  private let total: Int
  private let isShown: Bool
  private static let width = 30

  init(total: Int) {
    self.total = total
    isShown = total > 1 && isatty(STDERR_FILENO) == 1
  }

  /// Shows that `done` items are done.
  func update(_ done: Int) {
    guard isShown else { return }
    let filled = done * ProgressBar.width / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: ProgressBar.width - filled)
    printError(text: "\r\(bar) \(done)/\(total)")
  }

  /// Clears the line.
  func finish() {
    if isShown { printError(text: "\r\u{1b}[K") }
  }
}
