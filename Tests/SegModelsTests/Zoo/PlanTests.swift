import SegEngine
import SegModels
import Testing

/// What is told of the zoo's networks before they are compiled with weights.
@Suite struct PlanTests {
  @Test(arguments: ZooCase.all) func theArenaIsToldToTheByte(_ test: ZooCase) throws {
    let backend = OpenBLASBackend(workers: WorkerPool(threads: 2))
    let graph = try test.network.graph(size: test.size)
    let plan = try graph.plan(on: backend)
    let model = try graph.compiled(parameters: Parameters(repeatingNumbersFor: graph), on: backend)
    #expect(plan.arenaByteCount == model.arenaByteCount)
    #expect(plan.packedWeightsByteCount == model.packedWeightsByteCount)
    #expect(plan.constantByteCount == model.constantByteCount)
    #expect(plan.steps.map(\.algorithm) == model.stepInfos.map(\.algorithm))
  }
}
