import Dispatch
import Foundation
import SegIO

/// Signal handlers that remove half-written files before the program ends.
enum ProcessSignals {
  /// The signals that ask a program to end.
  private static let endings = [SIGINT, SIGTERM, SIGHUP]

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
