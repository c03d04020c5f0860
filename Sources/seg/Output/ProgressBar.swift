import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The progress of a command, with the time that is left. It is shown only on a terminal and for more than one item.
final class ProgressBar: Sendable {
  private let total: Int
  private let isOnTerminal: Bool
  private let start = ContinuousClock.now
  /// Whether the bar is on the screen.
  private let isVisible = Mutex(false)
  private static let width = 30

  init(total: Int) {
    self.total = total
    isOnTerminal = isatty(STDERR_FILENO) == 1
  }

  /// Shows that `done` items are done, of the bar's total or another one.
  ///
  /// - Parameter remark: The text behind the number, in place of the time that is left.
  func update(_ done: Int, of other: Int? = nil, saying remark: String? = nil) {
    let total = other ?? total
    guard isOnTerminal, total > 1 else { return }
    let filled = done * ProgressBar.width / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: ProgressBar.width - filled)
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    var text = "\r\(bar) \(done)/\(total)"
    // The first item takes longer, since the network is compiled.
    if let remark {
      text += ", " + remark
    } else if done > 1, done < total, elapsed > 1 {
      text += ", \(ProgressBar.duration(elapsed * Double(total - done) / Double(done))) left"
    }
    isVisible.withLock { isVisible in
      printError(text: text + "\u{1b}[K")
      isVisible = true
    }
  }

  /// Clears the line.
  func finish() {
    isVisible.withLock { isVisible in
      if isVisible { printError(text: "\r\u{1b}[K") }
      isVisible = false
    }
  }

  /// A duration in two units at most, such as `3 min 20 s`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(whole % 60) s"
    default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }
  }
}
