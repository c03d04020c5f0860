import ArgumentParser
import SegEngine
import SegIO

/// The axis order of a named network's feature maps in a file of arrays.
enum ArrayLayout: String, ExpressibleByArgument, CaseIterable {
  case nhwc, nchw

  /// Throws an error if an order is given for an ONNX file, which has its own.
  func require(for source: NetworkSource) throws {
    if case .file(let file) = source, self == .nchw {
      throw Failure(.usage, "\(file.path) keeps its own order of axes: no --layout")
    }
  }

  /// Converts arrays of a file to the network's order.
  func read(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 2, 3, 1]) } }

  /// Converts arrays of the network to the file's order.
  func written(_ arrays: [String: Tensor]) -> [String: Tensor] { arrays.mapValues { permuted($0, [0, 3, 1, 2]) } }

  private func permuted(_ tensor: Tensor, _ permutation: [Int]) -> Tensor {
    self == .nchw && tensor.shape.rank == permutation.count ? tensor.transposed(permutation) : tensor
  }
}

/// Returns the arrays of a file by the names of a network's inputs. If there is only one array, it may have any name.
func inputArrays(_ path: String, for names: [String], layout: ArrayLayout) throws -> [String: Tensor] {
  var arrays = try NPZ(contentsOf: path).arrays
  if names.count == 1, arrays.count == 1, let only = arrays.first { arrays = [names[0]: only.value] }
  return layout.read(arrays)
}

/// Returns the arrays of an ONNX file's inputs from files of arrays and from numbers, as `size=480,640`.
func inputArrays(_ texts: [String], for file: ONNXModel) throws -> [String: Tensor] {
  var arrays: [String: Tensor] = [:]
  for text in texts {
    let found: [String: Tensor]
    if let equals = text.firstIndex(of: "="), let port = file.inputs.first(where: { $0.name == text[..<equals] }) {
      found = [port.name: try tensor(of: text[text.index(after: equals)...], for: port)]
    } else {
      found = try inputArrays(text, for: texts.count == 1 ? file.inputs.map(\.name) : [], layout: .nhwc)
    }
    for (name, array) in found {
      guard arrays.updateValue(array, forKey: name) == nil else { throw Failure(.usage, "--input gives \(name) twice") }
    }
  }
  return arrays
}

/// Returns the tensor of an input from its numbers, separated by commas.
private func tensor(of text: Substring, for port: ONNXModel.Input) throws -> Tensor {
  let parts = text.split(separator: ",", omittingEmptySubsequences: false)
  func numbers<Number: LosslessStringConvertible>(_: Number.Type) throws -> [Number] {
    try parts.map { part in
      guard let number = Number(String(part)) else {
        throw Failure(.usage, "--input \(port.name): \(part) is no number of type \(Number.self)")
      }
      return number
    }
  }
  // An open extent takes what is left.
  var extents = port.shape ?? (parts.count == 1 ? [] : [nil])
  let stated = extents.compactMap { $0 }.reduce(1, *)
  if let open = extents.firstIndex(of: nil), stated > 0 {
    extents[open] = parts.count / stated
  }
  let shape = Shape(extents.map { $0 ?? 1 })
  guard shape.elementCount == parts.count else {
    throw Failure(.usage, "--input \(port.name): \(parts.count) numbers do not fill \(shape)")
  }
  return switch port.elementType {
  case .float32, nil: Tensor(shape, try numbers(Float.self))
  case .uint8: Tensor(shape, try numbers(UInt8.self))
  case .uint16: Tensor(shape, try numbers(UInt16.self))
  case .int32: Tensor(shape, try numbers(Int32.self))
  case .int64: Tensor(shape, try numbers(Int64.self))
  }
}
