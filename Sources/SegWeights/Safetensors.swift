import SegEngine
import SegFiles

/// A safetensors file: eight bytes with the length of a JSON header, the header, and the contiguous tensors, little endian. (Format:
/// github.com/huggingface/safetensors, "Format".)
public struct Safetensors: Sendable {
  /// Tensors by name, in the shapes of the file.
  ///
  /// `F16`, `BF16`, `F32` and `F64` become float32, `BOOL` and `U8` become uint8, `I8`, `I16`, `U16` and `I32` become int32, `U32` and
  /// `I64` become int64. A tensor that is aligned in the file and needs no conversion is not copied: it uses the mapped file.
  public var tensors: [String: Tensor]

  /// The strings of `__metadata__`.
  public var metadata: [String: String]

  /// Makes the contents of a file that is to be written.
  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file.
  ///
  /// The file stays mapped as long as one of its tensors exists. Another program must not shorten it in that time.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be read; if its header is malformed; if a tensor's range overlaps another one, exceeds
  ///   the file or has the wrong size; if bytes belong to no tensor; or if an element type is unknown.
  public init(contentsOf path: String) throws(WeightsError) {
    try self.init(FileBytes(weights: path), named: path)
  }

  init(_ file: FileBytes, named path: String) throws(WeightsError) {
    do throws(FormatFailure) {
      let header = try Header(file)
      var tensors: [String: Tensor] = [:]
      for (name, place) in header.places {
        guard case .element(let stored) = place.number else {
          throw FormatFailure.unsupported("\(name) has elements of type \(place.typeName)")
        }
        tensors[name] = header.tensor(place, stored)
      }
      self.init(tensors, metadata: header.metadata)
    } catch {
      throw error.error(path, "safetensors")
    }
  }

  /// Makes a checkpoint of the tensors, with one dictionary.
  static func checkpoint(_ file: FileBytes, named path: String) throws(WeightsError) -> Checkpoint {
    do throws(FormatFailure) {
      let header = try Header(file)
      let entries = header.places.mapValues { place -> Checkpoint.Entry in
        switch place.number {
        case .element(let stored):
          .tensor(TensorSpec(place.shape, stored.elementType)) { header.tensor(place, stored) }
        case .rare(let name): .unreadable(RareTensor.elements(name).words)
        }
      }
      return Checkpoint([Checkpoint.StateDictionary(keys: [], entries: entries)])
    } catch {
      throw error.error(path, "safetensors")
    }
  }

  /// Returns whether a file begins with a header's length, which may be wrong, and the brace of a JSON object.
  static func recognizes(_ file: FileBytes) -> Bool { file.count > 8 && file.bytes[8] == UInt8(ascii: "{") }

  /// Writes a file. Tensors are sorted by descending element size, then by name, so that each is aligned.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Throws: ``WeightsError`` if the file cannot be written, or a tensor is named `__metadata__`.
  public func write(to path: String) throws(WeightsError) {
    guard tensors["__metadata__"] == nil else {
      throw WeightsError(path, .cannotWrite("a tensor has the reserved name __metadata__"))
    }
    let ordered = tensors.sorted { a, b in
      (b.value.elementType.byteCount, a.key) < (a.value.elementType.byteCount, b.key)
    }
    var members: [String] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }.map {
        "\(StrictJSON.quoted($0.key)):\(StrictJSON.quoted($0.value))"
      }
      members.append("\"__metadata__\":{\(strings.joined(separator: ","))}")
    }
    var offset = 0
    for (name, tensor) in ordered {
      let typeName =
        switch tensor.elementType {
        case .float32: "F32"
        case .uint8: "U8"
        case .uint16: "U16"
        case .int32: "I32"
        case .int64: "I64"
        }
      let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
      let range = "\(offset),\(offset + tensor.byteCount)"
      members.append(
        "\(StrictJSON.quoted(name)):{\"dtype\":\"\(typeName)\",\"shape\":[\(shape)],\"data_offsets\":[\(range)]}")
      offset += tensor.byteCount
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: -header.count & 7)
    do {
      let file = try AtomicFile(replacing: path)
      try file.append((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
      try file.append(header)
      for (_, tensor) in ordered { try file.append(tensor) }
      try file.commit()
    } catch let error {
      throw WeightsError(error)
    }
  }
}

extension AtomicFile {
  /// Appends a tensor's elements, in the machine's byte order, which is little endian on all supported platforms.
  package func append(_ tensor: Tensor) throws(FileError) {
    let result = tensor.withUnsafeBytes { bytes in
      Result { () throws(FileError) in try append(bytes) }
    }
    try result.get()
  }
}
