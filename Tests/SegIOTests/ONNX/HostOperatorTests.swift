import SegEngine
import Testing

@testable import SegONNX

/// Nodes that the evaluator computes while the network runs.
@Suite struct HostOperatorTests {
  /// A file of one node, whose operands are whole numbers that flow, and a table of six numbers under the name `table`.
  private func file(_ kind: String, _ operands: [String], inputs: [String: [Int64]]) throws -> ONNXModel {
    var model = Onnx_ModelProto()
    model.irVersion = 8
    var opset = Onnx_OperatorSetIdProto()
    opset.version = 13
    model.opsetImport = [opset]
    func port(_ name: String, _ type: ONNXElement, _ extents: [Int64]) -> Onnx_ValueInfoProto {
      var port = Onnx_ValueInfoProto()
      port.name = name
      port.type.tensorType.elemType = type.rawValue
      port.type.tensorType.shape.dim = extents.map { extent in
        var dimension = Onnx_TensorShapeProto.DimensionProto()
        dimension.dimValue = extent
        return dimension
      }
      return port
    }
    model.graph.input = inputs.sorted { $0.key < $1.key }.map { port($0.key, .int64, $0.value) }
    model.graph.output = [port("result", operands.contains("table") ? .float : .int64, [])]
    model.graph.output[0].type.tensorType.clearShape()
    if operands.contains("table") {
      var table = Onnx_TensorProto()
      (table.name, table.dims, table.dataType) = ("table", [3, 2], ONNXElement.float.rawValue)
      table.floatData = [1, 2, 3, 4, 5, 6]
      model.graph.initializer = [table]
    }
    var node = Onnx_NodeProto()
    (node.name, node.opType, node.input, node.output) = ("a node", kind, operands, ["result"])
    model.graph.node = [node]
    return try ONNXImportTests.load(model)
  }

  /// An index beyond its axis, a division by zero: the run says which node cannot be computed and why, and the next run is none the worse.
  @Test func valuesThatMakeNoSenseAreErrorsOfTheRun() throws {
    let lookup = try Model(try file("Gather", ["table", "places"], inputs: ["places": [2]]))
    #expect(
      try lookup.run(["places": Tensor([2], [2, -3] as [Int64])])["result"] == Tensor([2, 2], [5, 6, 1, 2] as [Float]))
    do {
      _ = try lookup.run(["places": Tensor([2], [0, 7] as [Int64])])
      Issue.record("the table has no row 7")
    } catch {
      #expect("\(error)" == "a node: Gather: the index 7 is outside an axis of 3")
    }
    #expect(
      try lookup.run(["places": Tensor([2], [0, 1] as [Int64])])["result"] == Tensor([2, 2], [1, 2, 3, 4] as [Float]))

    let ratio = try Model(try file("Div", ["a", "b"], inputs: ["a": [2], "b": [2]]))
    let a = Tensor([2], [12, -7] as [Int64])
    #expect(
      try ratio.run(["a": a, "b": Tensor([2], [4, 2] as [Int64])])["result"] == Tensor([2], [3, -3] as [Int64]))
    #expect {
      try ratio.run(["a": a, "b": Tensor([2], [4, 0] as [Int64])])
    } throws: { error in
      guard case .run(let node, let error) = error as? GraphError else { return false }
      return node == "a node" && error.operatorName == "Div" && !error.reason.isEmpty
    }
  }
}
