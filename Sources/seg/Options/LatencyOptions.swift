import ArgumentParser
import SegEngine
import SegIO

/// From what times are estimated, for every command that estimates.
struct LatencyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A profile that `seg calibrate` wrote, perhaps of another machine; by default this machine's.", valueName: "file")
  )
  var profile: String?

  @OptionGroup var threads: ThreadOptions

  /// The profile of the file, or that of this machine.
  func latencyProfile() throws -> LatencyProfile {
    let path = profile ?? StoredProfile.defaultPath(threads: threads.backend.workers.threadCount)
    if profile == nil, !FileSystem.exists(path) {
      throw Failure(
        .unreadableInput, "\(path): this machine has no profile: run `seg calibrate`, or give one by --profile")
    }
    let stored = try StoredProfile(contentsOf: path)
    guard let latency = stored.latency else {
      throw Failure(
        .badInput, "\(path): says how algorithms are chosen, not how long networks take: run `seg calibrate` again")
    }
    return latency
  }

  /// The threads to estimate for: those asked for, else the most of the given file's profile or of this machine.
  func backend(for latency: LatencyProfile) -> OpenBLASBackend {
    if threads.threads == nil, profile != nil, let model = latency.models.last {
      return OpenBLASBackend(workers: WorkerPool(threads: model.threads))
    }
    return threads.backend
  }
}
