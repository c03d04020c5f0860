import TestSupport
import Testing

@testable import SegEngine

/// The one list of algorithms is what names, choices and the sweep of latencies go by.
@Suite struct AlgorithmNamesTests {
  @Test func namesAreThoseOfTheAlgorithms() {
    let names = CompileOptions.algorithmNames
    #expect(Set(names).count == names.count && names.count >= 16)
    // Each algorithm that applies to some problem is called what the list calls it.
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 1))
    var seen: Set<String> = []
    for (direction, geometry, input, output) in [
      (.forward, ConvolutionGeometry(kernel: 3, padding: 1), [1, 12, 12, 128], [1, 12, 12, 128]),
      (.forward, ConvolutionGeometry(kernel: 1), [1, 12, 12, 512], [1, 12, 12, 512]),
      (.forward, ConvolutionGeometry(kernel: 3, padding: 1, groups: 128), [1, 12, 12, 128], [1, 12, 12, 128]),
      (.forward, ConvolutionGeometry(kernel: 3, dilation: 6, padding: 6), [1, 12, 12, 128], [1, 12, 12, 128]),
      (.forward, ConvolutionGeometry(kernel: 3, dilation: 4, padding: 4), [1, 12, 12, 128], [1, 12, 12, 128]),
      (.transposed, ConvolutionGeometry(kernel: 4, stride: 2, padding: 1), [1, 12, 12, 128], [1, 24, 24, 128]),
      (.transposed, ConvolutionGeometry(kernel: 2, stride: 2), [1, 12, 12, 512], [1, 24, 24, 512]),
      (.transposed, ConvolutionGeometry(kernel: 3, stride: 2, groups: 128), [1, 12, 12, 128], [1, 25, 25, 128]),
    ] as [(ConvolutionDirection, ConvolutionGeometry, Shape, Shape)] {
      let problem = ConvolutionProblem(direction, geometry, input: input, output: output)
      for method in ConvolutionAlgorithms.all {
        guard let algorithm = method.make(problem, ComputeDevice(backend)) else { continue }
        #expect(algorithm.name == method.name)
        seen.insert(method.name)
      }
    }
    #expect(seen == Set(names))
  }

  @Test func aMisspeltNameIsAnError() throws {
    let graph = try Graph("misspelt") { g in
      g.output("y", g.input("x", [1, 8, 8, 3]).conv("conv", 4, kernel: 3))
    }
    let parameters = Parameters(initializing: graph, seed: 1)
    for name in ["winograd 4x4", "Direct", ""] {
      let options = CompileOptions(convolutionAlgorithm: name)
      do {
        _ = try graph.compiled(parameters: parameters, options: options)
        Issue.record("\(name) was taken")
      } catch let error as GraphError {
        let text = "\(error)"
        #expect(
          text.hasPrefix("there is no convolution algorithm \(name); there are ") && text.contains("winograd 4×4"))
      }
      #expect(throws: GraphError.self) { try graph.plan(on: OpenBLASBackend(), options: options) }
    }
  }
}
