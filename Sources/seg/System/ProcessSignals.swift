import Dispatch
import Foundation
import SegIO
import Synchronization

/// Signal handlers that remove half-written files before the program ends.
enum ProcessSignals {
  /// The signals that ask a program to end.
  private static let endings = [SIGINT, SIGTERM, SIGHUP]

  /// What a signal that asks the program to end does.
  private enum Stop {
    /// The program ends.
    case atOnce
    /// The command ends at its next whole state. A second signal ends it at once.
    case softly
    /// A signal has come.
    case requested
  }

  private static let stop = Mutex(Stop.atOnce)

  /// Lets the command end at its next whole state; it asks ``isStopRequested``.
  static func stopSoftly() { stop.withLock { $0 = .softly } }

  /// Whether a signal has asked a command that ends softly to end.
  static var isStopRequested: Bool { stop.withLock { $0 == .requested } }

  /// Makes a file above the size limit fail with an ordinary error, and removes unfinished files before a signal ends the program.
  ///
  /// - Returns: Objects that must be kept while the handlers are needed.
  static func handle() -> [any DispatchSourceSignal] {
    signal(SIGXFSZ, SIG_IGN)
    var sources: [any DispatchSourceSignal] = []
    for number in endings {
      // A signal that is already ignored, for instance by nohup, stays ignored.
      var former = sigaction()
      guard sigaction(number, nil, &former) == 0, !isIgnored(former) else { continue }
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler {
        let waits = stop.withLock { stop in
          guard stop == .softly else { return false }
          stop = .requested
          return true
        }
        guard !waits else { return }
        PendingFiles.removeAll()
        // The default action ends the program, so that its parent sees the signal.
        signal(number, SIG_DFL)
        kill(getpid(), number)
      }
      source.activate()
      sources.append(source)
    }
    return sources
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Glibc)
    let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    #else
    let handler = unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
    #endif
    return handler == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
