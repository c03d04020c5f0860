import Foundation
import SegEngine
import TestSupport
import Testing

@testable import SegFiles
@testable import SegONNX

/// Constants of element types that are not read, or are narrower than a byte.
@Suite struct ONNXNarrowConstantTests {
  /// A file of one node, with constants.
  private func file(
    _ kind: String, inputs: [String], _ constants: [Onnx_TensorProto],
    changing change: (inout Onnx_ModelProto) -> Void = { _ in }
  ) throws -> ONNXModel {
    var model = Onnx_ModelProto()
    model.irVersion = 9
    var opset = Onnx_OperatorSetIdProto()
    opset.version = 21
    model.opsetImport = [opset]
    var node = Onnx_NodeProto()
    node.opType = kind
    node.input = inputs
    node.output = ["y"]
    model.graph.node = [node]
    var input = Onnx_ValueInfoProto()
    input.name = "x"
    input.type.tensorType.elemType = 1
    var extent = Onnx_TensorShapeProto.DimensionProto()
    extent.dimValue = 2
    input.type.tensorType.shape.dim = [extent]
    model.graph.input = [input]
    var output = Onnx_ValueInfoProto()
    output.name = "y"
    model.graph.output = [output]
    model.graph.initializer = constants
    change(&model)
    return try ONNXImportTests.load(model)
  }

  private func constant(_ name: String, type: Int32, dims: [Int64], raw: [UInt8]) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dataType = type
    tensor.dims = dims
    tensor.rawData = Data(raw)
    return tensor
  }

  private var text: Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = "text"
    tensor.dataType = 8
    tensor.dims = [1]
    return tensor
  }

  private func failure(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func whatNothingReadsDoesNotMatter() throws {
    let constants = [text, constant("c", type: 14, dims: [1], raw: [UInt8](repeating: 0, count: 8))]
    let file = try file("Relu", inputs: ["x"], constants)
    let result = try file.graph().compiled().run(["x": Tensor([2], [Float(-1), 3])])
    #expect(result["y"]?.elements(of: Float.self) == [0, 3])
  }

  @Test func whatIsReadIsAnErrorThatNamesTheType() throws {
    for (name, constants) in [
      ("text", [text]), ("c", [constant("c", type: 14, dims: [1], raw: [UInt8](repeating: 0, count: 8))]),
    ] {
      let message = failure { _ = try file("Add", inputs: ["x", name], constants).graph() }
      #expect(message.contains("\(name) has the element type \(name == "text" ? "string" : "complex64")"), "\(message)")
      #expect(message.contains("Add"))
    }
  }

  @Test func aConstantNodeOfTextMattersOnlyWhereItIsRead() throws {
    func model(reading: Bool) throws -> ONNXModel {
      try file("Add", inputs: ["x", reading ? "t" : "x"], []) { model in
        var node = Onnx_NodeProto()
        node.opType = "Constant"
        node.output = ["t"]
        var value = Onnx_AttributeProto()
        value.name = "value_string"
        value.type = 3
        value.s = Data("a".utf8)
        node.attribute = [value]
        model.graph.node.insert(node, at: 0)
      }
    }
    let result = try model(reading: false).graph().compiled().run(["x": Tensor([2], [Float(-1), 3])])
    #expect(result["y"]?.elements(of: Float.self) == [-2, 6])
    #expect(failure { _ = try model(reading: true).graph() }.contains("text, which is not read"))
  }

  @Test func unsignedNumbersBeyondInt64AreNotWrapped() throws {
    let large = constant("c", type: 13, dims: [1], raw: [0, 0, 0, 0, 0, 0, 0, 0x80])
    #expect(try file("Relu", inputs: ["x"], [large]).graph().outputs.count == 1)
    #expect(failure { _ = try file("Reshape", inputs: ["x", "c"], [large]).graph() }.contains("2⁶³"))
    var typed = Onnx_TensorProto()
    typed.name = "c"
    typed.dataType = 13
    typed.dims = [1]
    typed.uint64Data = [1 << 63]
    #expect(failure { _ = try file("Reshape", inputs: ["x", "c"], [typed]).graph() }.contains("2⁶³"))
    let small = constant("c", type: 13, dims: [1], raw: [255, 255, 255, 255, 255, 255, 255, 0x7f])
    let graph = try file("Relu", inputs: ["x"], [small])
    #expect(graph.graph.initializers["c"]?.integers == [.max])
  }

  @Test func bytesOfFourBitNumbersAreCounted() throws {
    let three = constant("w", type: 22, dims: [3], raw: [0x8f, 0x07])
    let file = try file("Relu", inputs: ["x"], [three])
    // −1 and −8 in the first byte, 7 in the second.
    #expect(file.graph.initializers["w"]?.integers == [-1, -8, 7])
    for raw in [[UInt8(0)], [0, 0, 0]] {
      let wrong = constant("w", type: 22, dims: [3], raw: raw)
      #expect(failure { _ = try self.file("Relu", inputs: ["x"], [wrong]) }.contains("bytes, not 2"))
    }
  }

  /// The numbers of each format by their definitions: exponent bias, mantissa bits, and the codes that are no numbers.
  @Test func eightBitFloatsHaveTheirDefinedNumbers() throws {
    func value(_ type: ONNXElement, _ code: UInt8) throws -> Float {
      try #require(type.narrowFormat?.floating).value(code)
    }
    #expect(try value(.float8e4m3fn, 0x38) == 1)
    #expect(try value(.float8e4m3fn, 0x7e) == 448)
    #expect(try value(.float8e4m3fn, 0x7f).isNaN && value(.float8e4m3fn, 0xff).isNaN)
    #expect(try value(.float8e4m3fn, 0x01) == 0x1p-9)
    #expect(try value(.float8e4m3fnuz, 0x7f) == 240)
    #expect(try value(.float8e4m3fnuz, 0x80).isNaN)
    #expect(try value(.float8e4m3fnuz, 0x40) == 1)
    #expect(try value(.float8e5m2, 0x7b) == 57344)
    #expect(try value(.float8e5m2, 0xfc) == -.infinity)
    #expect(try value(.float8e5m2, 0x7d).isNaN)
    #expect(try value(.float8e5m2, 0x01) == 0x1p-16)
    #expect(try value(.float8e5m2fnuz, 0x7f) == 57344)
    #expect(try value(.float8e5m2fnuz, 0x80).isNaN)
    #expect(try (0..<8).map { try value(.float4e2m1, $0) } == [0, 0.5, 1, 1.5, 2, 3, 4, 6])
  }

  /// Rounding gives the nearest of all numbers of the format, found by trying each.
  @Test(arguments: [ONNXElement.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1])
  func roundingFindsTheNearestNumber(type: ONNXElement) throws {
    let format = try #require(type.narrowFormat?.floating)
    let numbers = (0..<1 << (1 + format.exponentBits + format.mantissaBits)).map { format.value(UInt8($0)) }
      .filter(\.isFinite)
    let largest = try #require(numbers.max())
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<2000 {
      let x = Float.random(in: -1...1, using: &generator) * largest * Float.random(in: 0...1, using: &generator)
      let rounded = format.rounded(x, saturates: true)
      let distance = numbers.map { abs($0 - x) }.min()
      #expect(abs(rounded - x) == distance && numbers.contains(rounded), "\(x) became \(rounded)")
    }
    #expect(format.rounded(2 * largest, saturates: true) == largest)
    // The four bits have no code for NaN or infinity: −0, and the largest number.
    if type == .float4e2m1 {
      #expect(format.rounded(.nan, saturates: false).bitPattern == Float(-0.0).bitPattern)
      #expect(format.rounded(.infinity, saturates: false) == 6 && format.rounded(-7, saturates: false) == -6)
    } else {
      #expect(!format.rounded(-2 * largest, saturates: false).isFinite)
      #expect(format.rounded(.nan, saturates: true).isNaN)
    }
  }
}
