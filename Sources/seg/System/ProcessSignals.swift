import Dispatch
import Foundation
import SegIO

/// What the program does when the system wants it to end, so that it leaves no half-written file.
enum ProcessSignals {
  /// Signals that ask a program to end.
  private static let endings = [SIGINT, SIGTERM, SIGHUP]

  /// Has a file that grows beyond its limit fail as any other, and takes unfinished files away before the program ends by a signal.
  ///
  /// - Returns: What has to be kept as long as that is to last.
  static func handle() -> [any DispatchSourceSignal] {
    signal(SIGXFSZ, SIG_IGN)
    var sources: [any DispatchSourceSignal] = []
    for number in endings {
      // One that is ignored already, as by nohup, stays so.
      var former = sigaction()
      guard sigaction(number, nil, &former) == 0, !isIgnored(former) else { continue }
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
      source.setEventHandler {
        PendingFiles.removeAll()
        // The signal's own end, as the program's parent expects it.
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
