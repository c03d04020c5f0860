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

  @Option(
    help: ArgumentHelp(
      """
      The number format of what convolutions multiply: float32, or bfloat16 for 3×3 convolutions on processors that multiply it faster \
      (AMD with AVX512-BF16; others compute in float32); sums and feature maps stay float32.
      """, valueName: "format"))
  var precision = ProductPrecision.float32

  func validate() throws {
    if algorithmChoice == nil {
      throw ValidationError(
        "--algorithms is estimated, measured or one of \(ComputeOptions.algorithmNames.joined(separator: ", ")), not "
          + algorithms + algorithms.suggestion(among: ["estimated", "measured"] + ComputeOptions.algorithmNames))
    }
  }

  private var algorithmChoice: CompileOptions.AlgorithmChoice? {
    switch algorithms {
    case "estimated": .estimated
    case "measured": .measured
    default: ComputeOptions.algorithmNames.contains(algorithms) ? .named(algorithms) : nil
    }
  }

  private static let algorithmNames = CompileOptions.algorithmNames + CompileOptions.bfloat16AlgorithmNames

  var backend: OpenBLASBackend { threads.backend }

  /// Returns the compile options for a backend, with the stored profile of this machine.
  func options(for backend: any Backend, optimizes: Bool = true) -> CompileOptions {
    var options = CompileOptions(
      optimizes: optimizes, algorithmChoice: algorithmChoice ?? .estimated, profile: .stored(for: backend))
    options.precision = precision
    return options
  }
}

extension ProductPrecision: ExpressibleByArgument {}
