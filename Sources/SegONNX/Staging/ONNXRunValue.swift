import SegEngine

/// A value while a network runs in stages.
enum ONNXRunValue: Sendable {
  case tensor(ONNXConstant)
  case sequence([ONNXConstant])

  /// What a stage is compiled for: the types and shapes of the tensors.
  struct Kind: Hashable, Sendable {
    let types: [ONNXElement]
    let shapes: [Shape]
    let isSequence: Bool
  }

  var kind: Kind {
    switch self {
    case .tensor(let tensor): Kind(types: [tensor.type], shapes: [tensor.shape], isSequence: false)
    case .sequence(let list): Kind(types: list.map(\.type), shapes: list.map(\.shape), isSequence: true)
    }
  }

  /// The tensor; `nil` for a sequence.
  var tensor: ONNXConstant? {
    if case .tensor(let tensor) = self { tensor } else { nil }
  }

  /// Returns the tensors with the names that they have as inputs of a graph.
  func tensors(named name: String) -> [(name: String, tensor: ONNXConstant)] {
    switch self {
    case .tensor(let tensor): [(name, tensor)]
    case .sequence(let list): list.enumerated().map { ("\(name)[\($0)]", $1) }
    }
  }
}

extension [String: ONNXRunValue] {
  /// Returns the tensor with a name.
  ///
  /// - Throws: ``ONNXFailure`` if there is none, or a sequence.
  func tensor(_ name: String) throws(ONNXFailure) -> ONNXConstant {
    guard let tensor = self[name]?.tensor else { throw ONNXFailure("its input \(name) is no tensor") }
    return tensor
  }
}

extension ONNXConstant {
  /// Whether both have the same type, shape and elements, bit for bit.
  func isIdentical(to other: ONNXConstant) -> Bool {
    guard type == other.type, shape == other.shape else { return false }
    return tensor.withUnsafeBytes { a in
      other.tensor.withUnsafeBytes { b in a.elementsEqual(b) }
    }
  }
}
