import SegIO
import SegModels

/// The code of the article "Run an ONNX network".
func runAnONNXNetwork(file: String, photo: String) throws {
  let predictor = try Predictor(contentsOf: file)
  let labels = try predictor(Image(contentsOf: photo)).labels
  print(labels.width, labels.height)

  let network = try ONNXModel(contentsOf: file)
  let segmentation = try ONNXSegmentation(network)
  for assumption in segmentation.assumptions { print(assumption) }

  let model = try Model(network)
  print(model.inputNames.count, model.outputNames.count)
}
