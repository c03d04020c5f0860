import SegEngine

/// The code of the article "Measure".
func measure(_ graph: Graph) throws {
  let analysis = try GraphAnalysis(graph, inputs: ["image": [1, 256, 256, 3]])
  print(analysis.total.cost.macs, analysis.peakActivationByteCount)

  let plan = try graph.plan(for: ["image": [1, 256, 256, 3]])
  print(plan.residentByteCount)
  for change in plan.changes { print(change) }
  for step in plan.steps { print(step.name, step.operation, step.algorithm) }

  let compiled = try graph.compiled(
    for: ["image": [1, 256, 256, 3]], parameters: Parameters(initializing: graph, seed: 1))
  let seconds = try compiled.runSeconds([Tensor(zeros: [1, 256, 256, 3])], lasting: 0.2)
  print(seconds.sorted()[seconds.count / 2])
}
