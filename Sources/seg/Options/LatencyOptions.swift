import ArgumentParser
import SegEngine
import SegIO

/// The latency profile, for every command that estimates times.
struct LatencyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A profile that `seg calibrate` wrote, perhaps of another machine; by default this machine's.", valueName: "file")
  )
  var profile: String?

  @OptionGroup var threads: ThreadOptions

  /// Returns the profile of the given file, or that of this machine.
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

  /// Returns a backend with the threads to estimate for: the requested number, or else the largest of the given file's profile or of this
  /// machine.
  func backend(for latency: LatencyProfile) -> OpenBLASBackend {
    if threads.threads == nil, profile != nil, let model = latency.models.last {
      return OpenBLASBackend(workers: WorkerPool(threads: model.threads))
    }
    return threads.backend
  }
}
