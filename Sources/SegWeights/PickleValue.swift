import SegFiles

/// A value in a pickle. Containers, objects and tensors are indices into a ``PickleHeap``. So values are small, cycles are possible, and
/// deep nesting needs no recursion.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case tuple(Int)
  case list(Int)
  /// A set; the index of the list of its items.
  case set(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// A tensor of an unsupported kind.
  case rareTensor(RareTensor)
  /// An object of some class: its arguments, state and items, but not its behaviour.
  case object(Int)
  /// A value that weights do not depend on: bytes, a device, an integer beyond 64 bits.
  case other
}

/// The Python functions and classes that are relevant to weights. ``Unpickler`` defines the result of calling each. All others are
/// opaque. None is ever run.
enum PickleGlobal: Equatable {
  /// `dict` and similar classes, whose items follow or are given as pairs.
  case dictionary
  /// A dictionary class whose arguments are not its items.
  case defaultDictionary
  case set
  case size
  case elementType(StoredNumber)
  case storageType(StoredNumber)
  /// A storage of bytes. Its tensors state their element type.
  case untypedStorage
  case rebuildTensor
  case rebuildTypedTensor
  case rebuildParameter
  /// Calls another of these functions and changes the class of the result.
  case rebuildSubclass
  case rebuildRare(RareTensor)
  /// Any other function or class.
  case opaque

  init(module: String, name: String) {
    self = PickleGlobal.known["\(module).\(name)"] ?? PickleGlobal.torchType(module, name)
  }

  private static let known: [String: PickleGlobal] = [
    "collections.OrderedDict": .dictionary, "builtins.dict": .dictionary, "__builtin__.dict": .dictionary,
    "collections.defaultdict": .defaultDictionary,
    "__builtin__.set": .set, "builtins.set": .set, "__builtin__.frozenset": .set, "builtins.frozenset": .set,
    "torch.Size": .size,
    "torch._utils._rebuild_tensor": .rebuildTensor,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
    "torch._tensor._rebuild_from_type": .rebuildSubclass,
    "torch._tensor._rebuild_from_type_v2": .rebuildSubclass,
    "torch.tensor._rebuild_from_type": .rebuildSubclass,
    "torch.tensor._rebuild_from_type_v2": .rebuildSubclass,
    "torch._utils._rebuild_sparse_tensor": .rebuildRare(.sparse),
    "torch._utils._rebuild_sparse_csr_tensor": .rebuildRare(.sparse),
    "torch._utils._rebuild_qtensor": .rebuildRare(.quantised),
    "torch._utils._rebuild_nested_tensor": .rebuildRare(.nested),
    "torch._utils._rebuild_meta_tensor_no_storage": .rebuildRare(.meta),
    "torch._utils._rebuild_device_tensor_from_numpy": .rebuildRare(.device),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": .rebuildRare(.device),
    "torch._utils._rebuild_xla_tensor": .rebuildRare(.device),
    "torch._utils._rebuild_wrapper_subclass": .rebuildRare(.subclass),
    "numpy.core.multiarray._reconstruct": .rebuildRare(.array),
    "numpy._core.multiarray._reconstruct": .rebuildRare(.array),
    "numpy._core.numeric._frombuffer": .rebuildRare(.array), "numpy.core.numeric._frombuffer": .rebuildRare(.array),
    "torch.storage.UntypedStorage": .untypedStorage, "torch.UntypedStorage": .untypedStorage,
  ]

  /// Returns the type of an element or a storage, such as `torch.float32` and `torch.FloatStorage`, also in a device's module.
  private static func torchType(_ module: String, _ name: String) -> PickleGlobal {
    guard module == "torch" || module == "torch.cuda" else { return .opaque }
    if name.hasSuffix("Storage") {
      return .storageType(StoredNumber(storage: String(name.dropLast("Storage".count))))
    }
    return StoredNumber(elementType: name).map { .elementType($0) } ?? .opaque
  }
}

/// A tensor of an unsupported kind.
enum RareTensor: Hashable {
  case sparse, quantised, nested, meta, device, subclass, array, negated
  /// Elements of a type that is not a ``StoredElement``, under PyTorch's name.
  case elements(String)

  /// A description, and how to save the tensor so that it can be read, as the rest of a sentence that begins with its name.
  var words: String {
    switch self {
    case .sparse: "is a sparse tensor; save it as tensor.to_dense()"
    case .quantised: "is a quantised tensor; save it as tensor.dequantize()"
    case .nested: "is a nested tensor; save it as tensor.to_padded_tensor(0)"
    case .meta: "is a meta tensor, which has no numbers; save the model after its weights are loaded"
    case .device: "is a tensor of a device that saves its numbers in another way; save it as tensor.cpu()"
    case .subclass: "is a tensor of a class of its own; save it as a plain torch.Tensor"
    case .array: "is a NumPy array; save it as torch.from_numpy(array)"
    case .negated: "is a view that negates or conjugates; save it as tensor.resolve_neg().resolve_conj()"
    case .elements(let name) where name.hasPrefix("complex"):
      "is a complex tensor (\(name)); save its parts as torch.view_as_real(tensor)"
    case .elements(let name) where name.hasPrefix("q"):
      "is a quantised tensor (\(name)); save it as tensor.dequantize()"
    case .elements(let name): "has elements of the type \(name); save it as tensor.float()"
    }
  }
}

/// The element type of a storage: a supported type, or one of which only the name is known.
enum StoredNumber: Hashable {
  case element(StoredElement)
  case rare(String)

  /// Makes the type from PyTorch's name of an element type, without its module; `nil` if it is unknown.
  init?(elementType name: String) {
    let stored: [String: StoredElement] = [
      "float32": .float32, "float": .float32, "float16": .float16, "half": .float16, "bfloat16": .bfloat16,
      "float64": .float64, "double": .float64, "int64": .int64, "long": .int64, "int32": .int32, "int": .int32,
      "int16": .int16, "short": .int16, "int8": .int8, "uint8": .uint8, "bool": .bool, "uint16": .uint16,
      "uint32": .uint32,
    ]
    if let element = stored[name] {
      self = .element(element)
    } else if ["float8_", "float4_", "complex", "cfloat", "cdouble", "chalf", "bits", "uint", "int", "qint", "quint"]
      .contains(where: { name.hasPrefix($0) })
    {
      self = .rare(name)
    } else {
      return nil
    }
  }

  /// Makes the type from the name of a storage's class without its ending.
  init(storage name: String) {
    let stored: [String: StoredElement] = [
      "Float": .float32, "Half": .float16, "BFloat16": .bfloat16, "Double": .float64, "Long": .int64, "Int": .int32,
      "Short": .int16, "Char": .int8, "Byte": .uint8, "Bool": .bool,
    ]
    switch name {
    case "ComplexFloat": self = .rare("complex64")
    case "ComplexDouble": self = .rare("complex128")
    case "QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4": self = .rare(name.lowercased())
    default: self = stored[name].map { .element($0) } ?? .rare(name)
    }
  }
}
