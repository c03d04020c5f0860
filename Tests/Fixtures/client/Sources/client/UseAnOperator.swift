import SegEngine

/// The code of the article "Add an operator": batch normalisation and ReLU become part of the operator.
func useAnOperator() throws {
  let graph = try Graph("blur") { g in
    let x = g.input("x", [1, 5, 6, 2])
    g.output("y", x.blurPool().batchNorm("bn").relu())
  }
  let parameters = Parameters([
    "bn.weight": Tensor([2], [2, 1] as [Float]), "bn.bias": Tensor([2], [1, -0.5] as [Float]),
    "bn.running_mean": Tensor([2], [0.5, 0] as [Float]), "bn.running_var": Tensor([2], [4, 1] as [Float]),
  ])
  let fused = try graph.compiled(parameters: parameters)
  for step in fused.stepInfos { print(step.name, step.operation, step.algorithm) }

  // The same by three operators.
  let plain = try graph.compiled(parameters: parameters, options: .init(optimizes: false))
  print(plain.stepInfos.count)
  let x = Tensor([1, 5, 6, 2], (0..<60).map { Float($0 % 7) - 3 })
  let (a, b) = (try fused.run(["x": x])["y"]!, try plain.run(["x": x])["y"]!)
  print(zip(a.elements(of: Float.self), b.elements(of: Float.self)).allSatisfy { abs($0 - $1) < 1e-5 })
}
