import ArgumentParser
import SegEngine
import SegIO

/// The number of threads, for every command that computes.
struct ThreadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Threads; by default SEG_NUM_THREADS, or as many as there are processors.", valueName: "count"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...WorkerPool.maximumThreadCount).contains(threads) {
      throw ValidationError("--threads is 1 to \(WorkerPool.maximumThreadCount), not \(threads)")
    }
    if threads == nil {
      do throws(ThreadCountError) {
        _ = try WorkerPool.environmentThreadCount()
      } catch {
        throw ValidationError("\(error)")
      }
    }
  }

  var backend: OpenBLASBackend {
    OpenBLASBackend(workers: threads.map { WorkerPool(threads: $0) } ?? .shared)
  }
}

/// The number of threads and the algorithms, for every command that runs networks.
struct ComputeOptions: ParsableArguments {
  @OptionGroup var threads: ThreadOptions

  @Option(
    help: ArgumentHelp(
      """
      How convolutions are computed: `estimated` chooses by the profile of `seg calibrate`, `measured` by trying at the start; a \
      name (`direct`, `im2col`, `winograd 4×4` …) takes that algorithm wherever it applies.
      """, valueName: "choice"))
  var algorithms = "estimated"

  func validate() throws {
    if algorithmChoice == nil {
      throw ValidationError(
        "--algorithms is estimated, measured or one of \(CompileOptions.algorithmNames.joined(separator: ", ")), not "
          + algorithms + algorithms.suggestion(among: ["estimated", "measured"] + CompileOptions.algorithmNames))
    }
  }

  private var algorithmChoice: CompileOptions.AlgorithmChoice? {
    switch algorithms {
    case "estimated": .estimated
    case "measured": .measured
    default: CompileOptions.algorithmNames.contains(algorithms) ? .named(algorithms) : nil
    }
  }

  var backend: OpenBLASBackend { threads.backend }

  /// Returns the compile options for a backend, with the stored profile of this machine.
  func options(for backend: any Backend, optimizes: Bool = true) -> CompileOptions {
    CompileOptions(
      optimizes: optimizes, algorithmChoice: algorithmChoice ?? .estimated, profile: .stored(for: backend))
  }
}
