import Foundation
import SegEngine
import SegFiles
import SegWeights
import SwiftProtobuf

/// A model that is written to a file, with the elements of its constants.
struct ONNXFile {
  /// The largest number of bytes of constants in the model itself. A protocol buffer has at most 2 GiB.
  static let largestModel = 1 << 31 - 1 << 26
  /// Constants of fewer bytes are in the model itself even if there is external data.
  private static let smallestExternal = 1024

  private(set) var model: Onnx_ModelProto
  private let constants: [(name: String, tensor: Tensor)]

  /// Makes the model of a graph.
  ///
  /// - Throws: ``ONNXExportError``.
  init(_ graph: Graph, parameters: Parameters, opensBatch: Bool) throws(ONNXExportError) {
    do throws(ParameterError) { try parameters.validate(for: graph) } catch { throw .parameters(error) }
    let exporter = try ONNXFile.exporter(graph, parameters, opensBatch: opensBatch)
    constants = exporter.initializers
    model = Onnx_ModelProto()
    // Version 8 belongs to the releases of operator sets 16 to 18, version 9 to that of 19.
    model.irVersion = exporter.opset > 18 ? 9 : 8
    model.producerName = SwiftSegmentation.name
    model.producerVersion = SwiftSegmentation.version
    var opset = Onnx_OperatorSetIdProto()
    opset.version = Int64(exporter.opset)
    model.opsetImport = [opset]
    model.graph.name = graph.name
    model.graph.node = exporter.nodes
    func port(_ port: Graph.Port) -> Onnx_ValueInfoProto {
      let spec = exporter.shapes[port.value]
      let open = exporter.shapes.openAxes(of: port.value)
      let extents = AxisOrder.port(spec.shape.rank).map { open.contains($0) ? nil : spec.shape[$0] }
      return Onnx_ValueInfoProto(port.name, spec.elementType, extents)
    }
    model.graph.input = graph.inputs.map(port)
    model.graph.output = graph.outputs.map(port)
  }

  /// Converts a graph, with a batch of fixed size if an operator needs it.
  private static func exporter(
    _ graph: Graph, _ parameters: Parameters, opensBatch: Bool
  ) throws(ONNXExportError) -> ONNXExporter {
    do {
      return try ONNXExporter(graph, parameters: parameters, opensBatch: opensBatch)
    } catch let error as ONNXExportError {
      throw error
    } catch is ONNXExportFailure where opensBatch {
      return try exporter(graph, parameters, opensBatch: false)
    } catch {
      // Shapes were inferred when the graph was built, and a fixed batch is all that a failure asks for.
      preconditionFailure("\(error)")
    }
  }

  /// The bytes of the model, with its constants.
  ///
  /// - Precondition: The constants have at most ``largestModel`` bytes.
  func bytes() -> [UInt8] {
    var model = model
    model.graph.initializer = constants.map(ONNXFile.message)
    return ONNXFile.bytes(of: model)
  }

  /// Writes the file, and the constants beside it (`net.onnx.data` beside `net.onnx`) if asked to or if they are too many for it.
  func write(to path: String, externalData: Bool) throws(FileError) {
    let size = constants.reduce(0) { $0 + $1.tensor.byteCount }
    guard externalData || size > ONNXFile.largestModel else { return try FileSystem.write(bytes(), to: path) }
    var model = model
    let dataPath = path + ".data"
    let data = try AtomicFile(replacing: dataPath)
    var offset = 0
    for (name, tensor) in constants {
      guard tensor.byteCount >= ONNXFile.smallestExternal else {
        model.graph.initializer.append(ONNXFile.message(name, tensor))
        continue
      }
      var message = Onnx_TensorProto(name, tensor.spec)
      message.dataLocation = 1
      message.externalData = [
        ("location", lastComponent(of: dataPath)), ("offset", "\(offset)"), ("length", "\(tensor.byteCount)"),
      ].map { key, value in
        var entry = Onnx_StringStringEntryProto()
        (entry.key, entry.value) = (key, value)
        return entry
      }
      model.graph.initializer.append(message)
      try data.append(tensor)
      // A reader that maps the file gets aligned tensors.
      let padding = -tensor.byteCount & 63
      try data.append([UInt8](repeating: 0, count: padding))
      offset += tensor.byteCount + padding
    }
    try data.commit()
    try FileSystem.write(ONNXFile.bytes(of: model), to: path)
  }

  static func message(_ name: String, _ tensor: Tensor) -> Onnx_TensorProto {
    var message = Onnx_TensorProto(name, tensor.spec)
    message.rawData = tensor.withUnsafeBytes { Data($0) }
    return message
  }

  private static func bytes(of model: Onnx_ModelProto) -> [UInt8] {
    do { return try model.serializedBytes() } catch { preconditionFailure("the model is too large: \(error)") }
  }
}
