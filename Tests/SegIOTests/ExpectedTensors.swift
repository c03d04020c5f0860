import SegEngine
import Testing

import SegIO

/// Compares what was read with what `weights/expected.json` says of a file, bit for bit.
func expect(
  _ tensors: [String: Tensor], areThoseOf name: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let expected = try #require(Fixtures.tensors[name], sourceLocation: sourceLocation)
  #expect(tensors.keys.sorted() == expected.keys.sorted(), sourceLocation: sourceLocation)
  for (key, wanted) in expected {
    let tensor = try #require(tensors[key], sourceLocation: sourceLocation)
    #expect(tensor.elementType.rawValue == wanted.type, "\(key)", sourceLocation: sourceLocation)
    #expect(tensor.shape.dimensions == wanted.shape, "\(key)", sourceLocation: sourceLocation)
    #expect(bytes(of: tensor) == wanted.bytes, "\(key)", sourceLocation: sourceLocation)
  }
}

/// The elements as they lie in memory.
func bytes(of tensor: Tensor) -> [UInt8] {
  func bytes<Element: TensorElement>(_ type: Element.Type) -> [UInt8] {
    tensor.elements(of: type).withUnsafeBytes { Array($0) }
  }
  return switch tensor.elementType {
  case .float32: bytes(Float.self)
  case .uint8: bytes(UInt8.self)
  case .uint16: bytes(UInt16.self)
  case .int32: bytes(Int32.self)
  case .int64: bytes(Int64.self)
  }
}

/// One tensor of every element type, a scalar and one without elements.
let assortedTensors: [String: Tensor] = [
  "conv.weight": Tensor([2, 3, 1, 1], (0..<6).map { Float($0) - 2.5 }),
  "special": Tensor([4], [Float.infinity, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]),
  "mask": Tensor([3], [UInt8(0), 1, 255]),
  "index": Tensor([2, 1], [Int32.min, Int32.max]),
  "count": Tensor(scalar: Int64.max),
  "nothing": Tensor(zeros: [0, 3]),
  "name with \"quotes\", ünïcödé": Tensor([1], [Float(1)]),
]
