import SegEngine
import SegIO
import SegModels

/// The code of the article "Export a network".
func exportANetwork(file: String) throws {
  let graph = try UNet().graph(size: 64)
  let parameters = Parameters(initializing: graph, seed: 1)
  try graph.writeONNX(to: file, parameters: parameters)

  let model = try Model(ONNXModel(contentsOf: file), channelsLast: true)
  let logits = try model.run(["image": Tensor(zeros: [1, 64, 64, 3])])["logits"]
  print(logits?.shape ?? [])
}
