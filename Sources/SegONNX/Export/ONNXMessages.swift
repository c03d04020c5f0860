import Foundation
import SegEngine

// Messages of what is written.

extension Onnx_AttributeProto {
  /// Makes an attribute of a number, text or list of numbers.
  init(_ name: String, _ value: ONNXAttributes.Value) {
    self.init()
    self.name = name
    switch value {
    case .float(let value): (type, f) = (1, value)
    case .int(let value): (type, i) = (2, Int64(value))
    case .string(let value): (type, s) = (3, Data(value.utf8))
    case .floats(let values): (type, floats) = (6, values)
    case .ints(let values): (type, ints) = (7, values.map { Int64($0) })
    case .tensor, .strings, .graph, .unread: preconditionFailure("no operator that is written has such an attribute")
    }
  }
}

extension Onnx_TensorProto {
  /// Makes a constant without its elements.
  init(_ name: String, _ spec: TensorSpec) {
    self.init()
    self.name = name
    dims = spec.shape.dimensions.map { Int64($0) }
    dataType = ONNXElement(storing: spec.elementType).rawValue
  }
}

extension Onnx_ValueInfoProto {
  /// Makes an input or output.
  ///
  /// - Parameter extents: The extents; one that depends on the size of the batch is `nil`. As the first one it is named `batch`.
  init(_ name: String, _ elementType: ElementType, _ extents: [Int?]) {
    self.init()
    self.name = name
    type.tensorType.elemType = ONNXElement(storing: elementType).rawValue
    type.tensorType.shape.dim = extents.enumerated().map { axis, extent in
      var dim = Onnx_TensorShapeProto.DimensionProto()
      if let extent { dim.dimValue = Int64(extent) } else if axis == 0 { dim.dimParam = "batch" }
      return dim
    }
    // A scalar has a shape, too.
    if extents.isEmpty { type.tensorType.shape = .init() }
  }
}

extension ONNXElement {
  /// The element type of a tensor.
  init(storing elementType: ElementType) {
    self =
      switch elementType {
      case .float32: .float
      case .uint8: .uint8
      case .uint16: .uint16
      case .int32: .int32
      case .int64: .int64
      }
  }
}
