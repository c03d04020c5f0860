import Synchronization

/// The measured time of algorithms on random data, measured once per process for each problem, backend and thread count.
enum AlgorithmTiming {
  private struct Key: Hashable {
    let algorithm: String
    let problem: ConvolutionProblem
    let backend: String
    let threads: Int
  }

  private static let known = Mutex<[Key: Double]>([:])

  /// Returns the seconds of the fastest of a few runs, with weights packed beforehand.
  static func seconds(
    of algorithm: any ConvolutionAlgorithm, _ problem: ConvolutionProblem, on device: ComputeDevice
  ) -> Double {
    let key = Key(
      algorithm: algorithm.name, problem: problem, backend: device.backend.name, threads: device.workers.threadCount)
    if let seconds = known.withLock({ $0[key] }) { return seconds }
    let seconds = measure(algorithm, problem, on: device)
    known.withLock { $0[key] = seconds }
    return seconds
  }

  private static func measure(
    _ algorithm: any ConvolutionAlgorithm, _ problem: ConvolutionProblem, on device: ComputeDevice
  ) -> Double {
    func numbers(_ count: Int) -> Tensor {
      var state: UInt32 = 1
      return Tensor(
        [count],
        (0..<count).lazy.map { _ -> Float in
          state = state &* 1_664_525 &+ 1_013_904_223
          return Float(state >> 8) * 0x1p-24 - 0.5
        })
    }
    let x = numbers(problem.batch * problem.inputPixels * problem.inputChannels)
    let weights = numbers(problem.inputChannels * problem.outputChannels / problem.geometry.groups * problem.taps)
    var packed = Tensor(uninitialized: [algorithm.packedCount])
    var y = Tensor(uninitialized: [problem.batch * problem.outputPixels * problem.outputChannels])
    var scratch = Tensor(uninitialized: [max(1, algorithm.scratchCount(threads: device.workers.threadCount))])
    let clock = ContinuousClock()
    return x.withUnsafeElements(of: Float.self) { x in
      weights.withUnsafeElements(of: Float.self) { weights in
        packed.withUnsafeMutableElements(of: Float.self) { packed in
          y.withUnsafeMutableElements(of: Float.self) { y in
            scratch.withUnsafeMutableElements(of: Float.self) { scratch in
              algorithm.pack(weights.baseAddress!, into: packed.baseAddress!, over: device.workers)
              let run = ConvolutionRun(
                device: device, x: x.baseAddress!, xStride: problem.inputChannels, weights: packed.baseAddress!,
                epilogue: Epilogue(), result: Destination(y.baseAddress!, stride: problem.outputChannels))
              algorithm.run(run, scratch: scratch.baseAddress!)
              var (best, total) = (Double.infinity, 0.0)
              for round in 0..<20 where round < 3 || total < 0.03 {
                let seconds = clock.measure { algorithm.run(run, scratch: scratch.baseAddress!) } / .seconds(1)
                best = min(best, seconds)
                total += seconds
              }
              return best
            }
          }
        }
      }
    }
  }
}
