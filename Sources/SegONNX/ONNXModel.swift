import Foundation
import SegEngine
import SegFiles
import SegWeights
import SwiftProtobuf

/// A network with its weights, read from an ONNX file.
///
/// Operator sets 1 to 25 are supported. A file of a newer one is read, too: its operators mean what they mean in operator
/// set 25. Nodes of operator sets before 7 broadcast as operator set 7 defines it. Weights are initialisers or Constant
/// nodes, stored in the file itself or in external data files. Calls of functions that the file defines are replaced by
/// the functions' nodes.
public struct ONNXModel: Sendable {
  /// The versions of the operator set `ai.onnx` whose operators are known by their version.
  public static let opsets = 1...25

  /// The path of the file.
  public let path: String
  /// The version of the operator set `ai.onnx` that the file imports.
  public let opset: Int
  /// The name and version of the program that wrote the file (`producer_name` and `producer_version`); may be empty.
  public let producer: String
  let graph: ONNXGraph

  /// Reads an ONNX file and the external data files that it names.
  ///
  /// - Parameter path: The path of the file.
  /// - Throws: ``ONNXError`` if a file cannot be read or is malformed, or if its operator set is not supported.
  public init(contentsOf path: String) throws(ONNXError) {
    do {
      try self.init(FileBytes(mapping: path), named: path)
    } catch let error as FileError {
      throw ONNXError(path, .file(error))
    } catch let error as ONNXError {
      throw error
    } catch {
      throw ONNXError(path, .malformed(reason: "\(error)"))
    }
  }

  init(_ file: FileBytes, named path: String) throws {
    try self.init(try ONNXModel.message(file, named: path), named: path)
  }

  /// Reads the protocol buffer of a file.
  ///
  /// - Throws: ``ONNXError``.
  static func message(_ path: String) throws -> Onnx_ModelProto {
    do {
      return try message(FileBytes(mapping: path), named: path)
    } catch let error as FileError {
      throw ONNXError(path, .file(error))
    }
  }

  private static func message(_ file: FileBytes, named path: String) throws -> Onnx_ModelProto {
    guard file.count > 0 else { throw ONNXError(path, .malformed(reason: "the file is empty")) }
    let model: Onnx_ModelProto
    do {
      var options = BinaryDecodingOptions()
      options.messageDepthLimit = 32
      options.discardUnknownFields = true
      model = try withExtendedLifetime(file) {
        try Onnx_ModelProto(serializedBytes: RawBytes(buffer: file.bytes), options: options)
      }
    } catch {
      throw ONNXError(path, .malformed(reason: ONNXModel.damage(of: file, error)))
    }
    guard model.hasGraph else {
      throw ONNXError(
        path,
        .malformed(reason: ForeignFile.words(for: file, expecting: .model).map { "it is \($0)" } ?? "it holds no graph")
      )
    }
    return model
  }

  /// Reads a network from a protocol buffer. External data lies beside the path.
  init(_ model: Onnx_ModelProto, named path: String) throws {
    var opsets: [String: Int] = [:]
    for entry in model.opsetImport {
      opsets[ONNXNode.domain(entry.domain)] = Int(clamping: entry.version)
    }
    guard let opset = opsets[""] ?? (opsets.isEmpty ? 1 : opsets.values.max()) else {
      throw ONNXError(path, .malformed(reason: "it names no operator set"))
    }
    do {
      let reader = ONNXReader(
        externalData: ONNXExternalData(modelPath: path), opsets: opsets, functions: try ONNXFunctions(model.functions))
      graph = try reader.graph(model.graph)
    } catch let error as ONNXFailure {
      throw ONNXError(path, .malformed(reason: error.reason))
    } catch let error as FileError {
      throw ONNXError(path, .file(error))
    }
    self.path = path
    self.opset = opset
    producer = [model.producerName, model.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
  }
}

extension ONNXModel {
  /// Returns the reason why the file's protocol buffer cannot be decoded.
  private static func damage(of file: FileBytes, _ error: any Error) -> String {
    if let words = ForeignFile.words(for: file, expecting: .model) { return "it is \(words)" }
    if case BinaryDecodingError.truncated = error {
      return "it ends too early: it is cut off, as a download that did not end, or damaged"
    }
    return "its protocol buffer is damaged"
  }
}

/// The bytes of a mapped file, borrowed by the protocol-buffer decoder without a copy.
private struct RawBytes: SwiftProtobufContiguousBytes {
  let buffer: UnsafeRawBufferPointer

  init(buffer: UnsafeRawBufferPointer) { self.buffer = buffer }

  init(repeating: UInt8, count: Int) {
    preconditionFailure("bytes of a file are read, not made")
  }

  init<S: Sequence>(_ sequence: S) where S.Element == UInt8 {
    preconditionFailure("bytes of a file are read, not made")
  }

  var count: Int { buffer.count }

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try body(buffer) }

  mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) throws -> R) rethrows -> R {
    preconditionFailure("bytes of a file are read, not written")
  }
}
