import Foundation
import SegEngine
import SegFiles

/// Converts the messages of a file to graphs, nodes and tensors. Declared sizes are checked against the number of bytes
/// present.
struct ONNXReader {
  /// The files beside the model that may hold its constants.
  let externalData: ONNXExternalData
  /// The imported version of each operator set by domain.
  var opsets: [String: Int]
  /// The functions of the file.
  let functions: ONNXFunctions
  /// The number of calls of functions that the nodes are within.
  var depth = 0

  func graph(_ message: Onnx_GraphProto) throws -> ONNXGraph {
    var graph = ONNXGraph()
    graph.name = message.name
    for tensor in message.initializer {
      guard graph.initializers[tensor.name] == nil, graph.unread[tensor.name] == nil else {
        throw ONNXFailure("two initialisers are named \(tensor.name)")
      }
      do {
        graph.initializers[tensor.name] = try constant(tensor)
      } catch let unread as ONNXUnread {
        graph.unread[tensor.name] = unread.reason
      }
    }
    graph.inputs = try message.input.map(port)
    graph.outputs = try message.output.map(port)
    graph.nodes = try nodes(message.node)
    return graph
  }

  /// Returns nodes, with the nodes of functions in the place of their calls.
  func nodes(_ messages: [Onnx_NodeProto]) throws -> [ONNXNode] {
    try messages.enumerated().flatMap { number, message in
      guard let function = functions.function(of: message) else { return [try node(message, number: number)] }
      return try body(of: function, calledBy: message, number: number)
    }
  }

  private func node(_ message: Onnx_NodeProto, number: Int) throws -> ONNXNode {
    let fallback = message.output.first { !$0.isEmpty } ?? "node \(number)"
    let name = message.name.isEmpty ? fallback : message.name
    let domain = ONNXNode.domain(message.domain)
    var values: [String: ONNXAttributes.Value] = [:]
    for attribute in message.attribute {
      guard let value = try value(attribute, of: name) else { continue }
      guard values.updateValue(value, forKey: attribute.name) == nil else {
        throw ONNXFailure("\(name) has two attributes named \(attribute.name)")
      }
    }
    return ONNXNode(
      name: name, kind: message.opType, domain: domain, opset: opsets[domain] ?? 1, inputs: message.input,
      outputs: message.output, attributes: ONNXAttributes(values))
  }

  private func value(_ attribute: Onnx_AttributeProto, of node: String) throws -> ONNXAttributes.Value? {
    func text(_ bytes: Data) -> String { String(decoding: bytes, as: UTF8.self) }
    func int(_ value: Int64) -> Int { Int(value) }
    guard attribute.refAttrName.isEmpty else {
      throw ONNXFailure("\(node) takes its attribute \(attribute.name) from a function that is not there")
    }
    // `AttributeProto.type` is required since IR version 2. Without it, the field that is present determines the type.
    switch attribute.type {
    case 1: return .float(attribute.f)
    case 2: return .int(int(attribute.i))
    case 3: return .string(text(attribute.s))
    case 4: return try tensor(attribute.t)
    case 5: return .graph(try graph(attribute.g))
    case 6: return .floats(attribute.floats)
    case 7: return .ints(attribute.ints.map(int))
    case 8: return .strings(attribute.strings.map(text))
    case 0:
      if attribute.hasF { return .float(attribute.f) }
      if attribute.hasI { return .int(int(attribute.i)) }
      if attribute.hasS { return .string(text(attribute.s)) }
      if attribute.hasT { return try tensor(attribute.t) }
      if attribute.hasG { return .graph(try graph(attribute.g)) }
      if !attribute.floats.isEmpty { return .floats(attribute.floats) }
      if !attribute.ints.isEmpty { return .ints(attribute.ints.map(int)) }
      if !attribute.strings.isEmpty { return .strings(attribute.strings.map(text)) }
      return nil
    default: return nil  // types that no supported operator uses
    }
  }

  private func tensor(_ message: Onnx_TensorProto) throws -> ONNXAttributes.Value {
    do {
      return .tensor(try constant(message))
    } catch let unread as ONNXUnread {
      return .unread(unread.reason)
    }
  }

  private func port(_ message: Onnx_ValueInfoProto) throws -> ONNXGraph.Port {
    guard message.hasType, message.type.hasTensorType else { return .init(name: message.name, type: nil, shape: nil) }
    let tensor = message.type.tensorType
    var extents: [ONNXGraph.Port.Extent]?
    if tensor.hasShape {
      extents = tensor.shape.dim.map { dim in
        if dim.hasDimValue {
          // Some exporters write -1 or 0 for an unknown extent.
          return dim.dimValue > 0 ? .fixed(Int(dim.dimValue)) : .unknown
        }
        return dim.dimParam.isEmpty ? .unknown : .symbol(dim.dimParam)
      }
    }
    return .init(name: message.name, type: ONNXElement(rawValue: tensor.elemType), shape: extents)
  }

  /// Returns the tensor of a message.
  ///
  /// - Throws: ``ONNXUnread`` if its type or its numbers are not supported; ``ONNXFailure`` if its shape does not fit its
  ///   data; `FileError` if an external data file cannot be read.
  func constant(_ message: Onnx_TensorProto) throws -> ONNXConstant {
    let name = message.name.isEmpty ? "a constant" : message.name
    guard let type = ONNXElement(rawValue: message.dataType) else {
      throw ONNXUnread(
        reason: "\(name) has the element type \(ONNXUnread.typeName(message.dataType)), which is not read")
    }
    guard let shape = Shape(validating: message.dims.map { Int($0) }), let size = type.byteCount(of: shape) else {
      throw ONNXFailure("\(name) claims the shape \(message.dims)")
    }
    let constant: ONNXConstant
    if message.dataLocation == 1 {
      constant = ONNXConstant(type, try external(message, name, type, shape, size))
    } else if message.hasRawData {
      guard message.rawData.count == size else {
        throw ONNXFailure("\(name) of \(type) \(shape) has \(message.rawData.count) bytes, not \(size)")
      }
      constant = ONNXConstant(type, ONNXReader.tensor(of: message.rawData, type, shape))
    } else {
      constant = try typed(message, name, type, shape)
    }
    if type == .uint64, constant.integers.contains(where: { $0 < 0 }) {
      throw ONNXUnread(reason: "\(name) has unsigned numbers of 2⁶³ and more, which are not read")
    }
    return constant
  }

  /// Returns the tensor in raw bytes. It borrows the bytes without a copy if they have the layout and alignment of a
  /// tensor.
  private static func tensor(of data: Data, _ type: ONNXElement, _ shape: Shape) -> Tensor {
    final class Owner {
      let data: Data
      init(_ data: Data) { self.data = data }
    }
    if let narrow = type.narrowFormat { return data.withUnsafeBytes { narrow.tensor(shape, from: $0) } }
    // The buffer of a Data with more than a few bytes is a heap allocation, so its address is stable as long as the
    // owner keeps this one, never mutated value. (NSData documents a stable address, but requires a copy.)
    if type.stored.isMemory, data.count > 4096 {
      let owner = Owner(data)
      let bytes = owner.data.withUnsafeBytes { $0 }
      if let base = bytes.baseAddress, Int(bitPattern: base) % type.stored.byteCount == 0 {
        return Tensor(shape, of: type.elementType, borrowing: base, owner: owner)
      }
    }
    return data.withUnsafeBytes { type.stored.tensor(shape, from: $0) }
  }

  /// Returns the tensor in the typed fields of a message. Narrow types are stored in `int32_data`, float16 and bfloat16
  /// as their bits (`TensorProto`).
  private func typed(
    _ message: Onnx_TensorProto, _ name: String, _ type: ONNXElement, _ shape: Shape
  ) throws -> ONNXConstant {
    func checked<Element>(_ values: [Element]) throws -> [Element] {
      guard values.count == shape.elementCount else {
        throw ONNXFailure("\(name) of \(type) \(shape) has \(values.count) values, not \(shape.elementCount)")
      }
      return values
    }
    switch type {
    case .float: return ONNXConstant(type, shape, floats: try checked(message.floatData))
    case .double: return ONNXConstant(type, shape, floats: try checked(message.doubleData).map { Float($0) })
    case .float16, .bfloat16:
      let bits = try checked(message.int32Data).map { UInt16(truncatingIfNeeded: $0).littleEndian }
      return ONNXConstant(type, bits.withUnsafeBytes { type.stored.tensor(shape, from: $0) })
    case .int64: return ONNXConstant(type, shape, integers: try checked(message.int64Data))
    case .uint32, .uint64:
      return ONNXConstant(type, shape, integers: try checked(message.uint64Data).map { Int64(truncatingIfNeeded: $0) })
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .uint4, .int4, .float4e2m1:
      // Each number holds a byte, which is two elements of 4 bits.
      guard let narrow = type.narrowFormat, message.int32Data.count == type.byteCount(of: shape) else {
        throw ONNXFailure("\(name) of \(type) \(shape) has \(message.int32Data.count) values")
      }
      let bytes = message.int32Data.map { UInt8(truncatingIfNeeded: $0) }
      return ONNXConstant(type, bytes.withUnsafeBytes { narrow.tensor(shape, from: $0) })
    case .bool, .uint8, .int8, .uint16, .int16, .int32:
      return ONNXConstant(type, shape, integers: try checked(message.int32Data).map { Int64($0) })
    }
  }

  /// Returns the tensor in an external data file (``ONNXExternalData``).
  private func external(
    _ message: Onnx_TensorProto, _ name: String, _ type: ONNXElement, _ shape: Shape, _ size: Int
  ) throws -> Tensor {
    var entries: [String: String] = [:]
    for entry in message.externalData { entries[entry.key] = entry.value }
    guard let location = entries["location"], !location.isEmpty else {
      throw ONNXFailure("\(name) has external data without a location")
    }
    guard let path = externalData.path(of: location) else {
      throw ONNXFailure("\(name) has its data outside the model's directory, at \(location)")
    }
    func number(_ key: String) throws -> Int? {
      guard let text = entries[key] else { return nil }
      guard let value = Int(text), value >= 0 else {
        throw ONNXFailure("\(name) has external data with \(key) \(text)")
      }
      return value
    }
    let file = try FileBytes(mapping: path)
    let offset = try number("offset") ?? 0
    let length = try number("length") ?? max(0, file.count - offset)
    guard offset <= file.count, length <= file.count - offset, length == size else {
      throw ONNXFailure(
        "\(name) of \(type) \(shape) needs \(size) bytes, its external data has \(length) at \(offset) of \(file.count)"
      )
    }
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + length])
    if let narrow = type.narrowFormat { return withExtendedLifetime(file) { narrow.tensor(shape, from: bytes) } }
    if type.stored.isMemory, length > 0, Int(bitPattern: bytes.baseAddress!) % type.stored.byteCount == 0 {
      return Tensor(shape, of: type.elementType, borrowing: bytes.baseAddress!, owner: file)
    }
    return withExtendedLifetime(file) { type.stored.tensor(shape, from: bytes) }
  }
}
