import Foundation
import SegEngine
import SegFiles

/// Turns the messages of a file into graphs, nodes and tensors, checking every size against the bytes that are there.
struct ONNXReader {
  /// Where files with external data lie.
  let directory: String
  /// Versions of operator sets by domain.
  let opsets: [String: Int]

  func graph(_ message: Onnx_GraphProto) throws -> ONNXGraph {
    var graph = ONNXGraph()
    graph.name = message.name
    for tensor in message.initializer {
      guard graph.initializers.updateValue(try constant(tensor), forKey: tensor.name) == nil else {
        throw ONNXFailure("two initialisers are named \(tensor.name)")
      }
    }
    graph.inputs = try message.input.map(port)
    graph.outputs = try message.output.map(port)
    graph.nodes = try message.node.enumerated().map { try node($1, number: $0) }
    return graph
  }

  private func node(_ message: Onnx_NodeProto, number: Int) throws -> ONNXNode {
    let fallback = message.output.first { !$0.isEmpty } ?? "node \(number)"
    let name = message.name.isEmpty ? fallback : message.name
    let domain = message.domain == "ai.onnx" ? "" : message.domain
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
    // Writers of early versions leave the type out; then the field that is there tells it.
    switch attribute.type {
    case 1: return .float(attribute.f)
    case 2: return .int(int(attribute.i))
    case 3: return .string(text(attribute.s))
    case 4: return .tensor(try constant(attribute.t))
    case 5: return .graph(try graph(attribute.g))
    case 6: return .floats(attribute.floats)
    case 7: return .ints(attribute.ints.map(int))
    case 8: return .strings(attribute.strings.map(text))
    case 0:
      if attribute.hasF { return .float(attribute.f) }
      if attribute.hasI { return .int(int(attribute.i)) }
      if attribute.hasS { return .string(text(attribute.s)) }
      if attribute.hasT { return .tensor(try constant(attribute.t)) }
      if attribute.hasG { return .graph(try graph(attribute.g)) }
      if !attribute.floats.isEmpty { return .floats(attribute.floats) }
      if !attribute.ints.isEmpty { return .ints(attribute.ints.map(int)) }
      if !attribute.strings.isEmpty { return .strings(attribute.strings.map(text)) }
      return nil
    default: return nil  // kinds that no operator which is read has
    }
  }

  private func port(_ message: Onnx_ValueInfoProto) throws -> ONNXGraph.Port {
    guard message.hasType, message.type.hasTensorType else { return .init(name: message.name, type: nil, shape: nil) }
    let tensor = message.type.tensorType
    var extents: [ONNXGraph.Port.Extent]?
    if tensor.hasShape {
      extents = tensor.shape.dim.map { dim in
        if dim.hasDimValue {
          // Some writers say -1 or 0 for "any".
          return dim.dimValue > 0 ? .fixed(Int(dim.dimValue)) : .unknown
        }
        return dim.dimParam.isEmpty ? .unknown : .symbol(dim.dimParam)
      }
    }
    return .init(name: message.name, type: ONNXElement(rawValue: tensor.elemType), shape: extents)
  }

  /// The values of a tensor.
  func constant(_ message: Onnx_TensorProto) throws -> ONNXConstant {
    let name = message.name.isEmpty ? "a constant" : message.name
    guard let type = ONNXElement(rawValue: message.dataType) else {
      throw ONNXFailure("\(name) has the element type \(message.dataType), which is not read")
    }
    guard let shape = Shape(validating: message.dims.map { Int($0) }), let size = type.stored.byteCount(of: shape)
    else {
      throw ONNXFailure("\(name) claims the shape \(message.dims)")
    }
    if message.dataLocation == 1 { return ONNXConstant(type, try external(message, name, type, shape, size)) }
    if message.hasRawData {
      guard message.rawData.count == size else {
        throw ONNXFailure("\(name) of \(type) \(shape) has \(message.rawData.count) bytes, not \(size)")
      }
      return ONNXConstant(type, ONNXReader.tensor(of: message.rawData, type, shape))
    }
    return try typed(message, name, type, shape)
  }

  /// The elements in raw bytes: where they lie in memory as they are meant, without a copy.
  private static func tensor(of data: Data, _ type: ONNXElement, _ shape: Shape) -> Tensor {
    final class Owner {
      let data: Data
      init(_ data: Data) { self.data = data }
    }
    // Data of more than a few bytes lies in memory of its own, which stays where it is while the one value that is never changed
    // lives. (NSData would promise as much, at the price of a copy.)
    if type.stored.isMemory, data.count > 4096 {
      let owner = Owner(data)
      let bytes = owner.data.withUnsafeBytes { $0 }
      if let base = bytes.baseAddress, Int(bitPattern: base) % type.stored.byteCount == 0 {
        return Tensor(shape, of: type.elementType, borrowing: base, owner: owner)
      }
    }
    return data.withUnsafeBytes { type.stored.tensor(shape, from: $0) }
  }

  /// Values in the fields that are meant for their type; narrow types stand in `int32_data`, as bits where they are floats.
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
    case .bool, .uint8, .int8, .uint16, .int16, .int32:
      return ONNXConstant(type, shape, integers: try checked(message.int32Data).map { Int64($0) })
    }
  }

  /// Values in a file beside the model. A path that leads out of the model's directory is refused, and so is one through a link.
  private func external(
    _ message: Onnx_TensorProto, _ name: String, _ type: ONNXElement, _ shape: Shape, _ size: Int
  ) throws -> Tensor {
    var entries: [String: String] = [:]
    for entry in message.externalData { entries[entry.key] = entry.value }
    guard let location = entries["location"], !location.isEmpty else {
      throw ONNXFailure("\(name) has external data without a location")
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !location.contains("\\"), !location.contains("\0"), !parts.contains("..") else {
      throw ONNXFailure("\(name) has its data outside the model's directory, at \(location)")
    }
    let path = directory.isEmpty ? location : directory + "/" + location
    let home = FileSystem.resolved(directory.isEmpty ? "." : directory)
    let resolved = FileSystem.resolved(path)
    guard resolved.hasPrefix(home == "/" ? "/" : home + "/") else {
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
    if type.stored.isMemory, length > 0, Int(bitPattern: bytes.baseAddress!) % type.stored.byteCount == 0 {
      return Tensor(shape, of: type.elementType, borrowing: bytes.baseAddress!, owner: file)
    }
    return withExtendedLifetime(file) { type.stored.tensor(shape, from: bytes) }
  }
}
