// Runs the code of the articles. Arguments: a file of weights, an image, an ONNX file, a folder to write to.
import SegEngine
import SegIO
import SegModels

let arguments = CommandLine.arguments
try await segmentAnImage(weights: arguments[1], photo: arguments[2], mask: arguments[4] + "/mask.png")
try runAnONNXNetwork(file: arguments[3], photo: arguments[2])
try exportANetwork(file: arguments[4] + "/exported.onnx")
try writeANetwork()
try useAnOperator()
try useAConvolutionAlgorithm()
try trainANetwork(file: arguments[4] + "/trained.safetensors")
