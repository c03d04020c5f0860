import SegFiles

/// What a pickle is made of. Containers, objects and tensors are numbers of entries in a ``PickleHeap``, so that values are
/// small, cycles cost nothing and nesting, however deep, needs no recursion.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case tuple(Int)
  case list(Int)
  /// A set: the list of its items.
  case set(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// A tensor of a kind that is not read.
  case rareTensor(RareTensor)
  /// An object of some class: what it was made from and what it holds, but nothing of what it does.
  case object(Int)
  /// Something that weights do not depend on: bytes, a device, an integer beyond 64 bits.
  case other
}

/// The Python objects that mean something for weights. What calling one of them gives is spelt out in ``Unpickler``; every other
/// one is opaque. None is ever run.
enum PickleGlobal: Equatable {
  /// `dict` and its kin, whose items follow or are given as pairs.
  case dictionary
  /// A dictionary whose arguments are not its items.
  case defaultDictionary
  case set
  case size
  case elementType(StoredNumber)
  case storageType(StoredNumber)
  /// A storage of bytes, whose tensors say what their elements are.
  case untypedStorage
  case rebuildTensor
  case rebuildTypedTensor
  case rebuildParameter
  /// Calls another of these and gives the result another class.
  case rebuildSubclass
  case rebuildRare(RareTensor)
  /// Any other object.
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

  /// Types of elements and of storages, `torch.float32` and `torch.FloatStorage`, also those of a device's module.
  private static func torchType(_ module: String, _ name: String) -> PickleGlobal {
    guard module == "torch" || module == "torch.cuda" else { return .opaque }
    if name.hasSuffix("Storage") {
      return .storageType(StoredNumber(storage: String(name.dropLast("Storage".count))))
    }
    return StoredNumber(elementType: name).map { .elementType($0) } ?? .opaque
  }
}

/// A tensor of a kind that is not read.
enum RareTensor: Hashable {
  case sparse, quantised, nested, meta, device, subclass, array, negated
  /// Elements of a type that no ``StoredElement`` is, under PyTorch's name.
  case elements(String)

  /// What it is and how to save it so that it is read, as the rest of a sentence that begins with its name.
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

/// The elements of a storage: a type that is read, or one that is known by its name alone.
enum StoredNumber: Hashable {
  case element(StoredElement)
  case rare(String)

  /// By PyTorch's name of an element type, without its module; `nil` where it is none.
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

  /// By the name of a storage's class without its ending.
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
