import SegEngine

/// The code of the article "Write a network".
func writeANetwork() throws {
  let graph = try Graph("tiny") { g in
    let x = g.input("image", [1, 64, 64, 3])
    let shallow = x.conv("conv1", 16, kernel: 3, bias: false).batchNorm("bn1").relu()
    let deep = shallow.maxPool(kernel: 2).conv("conv2", 32, kernel: 3, dilation: 2).relu()
    let joined = deep.resize(like: shallow).concat(with: shallow)
    g.output("logits", joined.conv("head", 21, kernel: 1))
  }
  for parameter in graph.parameters { print(parameter.name, parameter.spec.shape) }

  let model = try Model(graph, parameters: Parameters(initializing: graph, seed: 1))
  let logits = try model(Tensor(zeros: [1, 96, 128, 3]))
  print(logits.shape)

  let delay = try Graph("delay") { g in
    let frame = g.input("frame", [1, 2, 2, 1])
    let last = g.variable("last", initially: Tensor(zeros: [1, 2, 2, 1]))
    g.update(last, to: frame)
    g.output("change", frame - last)
  }
  let compiled = try delay.compiled()
  var state = delay.initialVariables
  for number in [1, 4, 9] as [Float] {
    let frame = Tensor([1, 2, 2, 1], [Float](repeating: number, count: 4))
    let change = try compiled.run(["frame": frame], updating: &state)["change"]!
    print(change.elements(of: Float.self)[0])
  }
}
