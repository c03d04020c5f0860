// Segments a frame with weights, both named on the command line, and says how many of its pixels are foreground.
import SegEngine
import SegIO
import SegModels

let arguments = CommandLine.arguments
let description = ModelRegistry.find("pupil-unet")!
let model = try Model(
  description.makeGraph(description.defaultSize), parameters: Parameters(contentsOf: arguments[1]),
  on: OpenBLASBackend())
let predictor = Predictor(model, preprocessing: description.preprocessing, postprocessing: description.postprocessing)
let image = try Image(contentsOf: arguments[2])
let labels = try predictor(image).labels
print("\(labels.width)×\(labels.height): \(labels.labels.count { $0 == 1 })")

// A network of one's own, from the engine alone.
let graph = try Graph("own") { g in
  g.output("y", g.input("x", [1, 4, 4, 1]).maxPool(kernel: 2, named: "pool").relu())
}
let y = try graph.compiled().run(["x": Tensor([1, 4, 4, 1], (0..<16).map { Float($0) - 8 })])["y"]!
print(y.elements(of: Float.self))
