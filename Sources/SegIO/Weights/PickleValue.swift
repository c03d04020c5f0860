import SegEngine

/// What a pickle of weights is made of. Containers and tensors are numbers of objects in a ``PickleHeap``, so that
/// values are small, cycles cost nothing and nesting, however deep, needs no recursion.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(String)
  case bytes
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case set
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)
  /// Something harmless that weights do not depend on: a device, a data type, an integer beyond 64 bits.
  case other
}

/// The Python objects that a pickle may name. Nothing else is accepted, and none of these runs anything: what calling
/// one of them means is spelt out in ``Unpickler``.
enum PickleGlobal: Equatable {
  case orderedDictionary
  case set
  case encode
  case size
  case device
  case elementType(StoredElement)
  case storageType(StoredElement)
  /// A storage of bytes, whose tensors say what their elements are.
  case untypedStorage
  case rebuildTensor
  case rebuildTypedTensor
  case rebuildParameter

  init?(module: String, name: String) {
    guard let global = PickleGlobal.known["\(module).\(name)"] else { return nil }
    self = global
  }

  private static let known: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDictionary,
    "__builtin__.set": .set, "builtins.set": .set, "__builtin__.frozenset": .set, "builtins.frozenset": .set,
    // How protocol 2 writes `bytes`.
    "_codecs.encode": .encode,
    "torch.Size": .size,
    "torch.device": .device,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch.storage.UntypedStorage": .untypedStorage, "torch.UntypedStorage": .untypedStorage,
    "torch.FloatStorage": .storageType(.float32), "torch.float32": .elementType(.float32),
    "torch.HalfStorage": .storageType(.float16), "torch.float16": .elementType(.float16),
    "torch.BFloat16Storage": .storageType(.bfloat16), "torch.bfloat16": .elementType(.bfloat16),
    "torch.DoubleStorage": .storageType(.float64), "torch.float64": .elementType(.float64),
    "torch.LongStorage": .storageType(.int64), "torch.int64": .elementType(.int64),
    "torch.IntStorage": .storageType(.int32), "torch.int32": .elementType(.int32),
    "torch.ShortStorage": .storageType(.int16), "torch.int16": .elementType(.int16),
    "torch.CharStorage": .storageType(.int8), "torch.int8": .elementType(.int8),
    "torch.ByteStorage": .storageType(.uint8), "torch.uint8": .elementType(.uint8),
    "torch.BoolStorage": .storageType(.bool), "torch.bool": .elementType(.bool),
    "torch.uint16": .elementType(.uint16), "torch.uint32": .elementType(.uint32),
  ]
}

/// The objects behind the numbers in ``PickleValue``. Each opcode makes one at most, so all of them together are
/// bounded by the size of the pickle.
struct PickleHeap {
  /// A run of elements in a file of the archive.
  struct Storage {
    let key: String
    /// `nil` for a storage of bytes.
    let stored: StoredElement?
    /// Number of elements that the pickle claims; bytes where untyped.
    let count: Int
  }

  /// A view of a storage, not yet held against the bytes that are there.
  struct TensorView {
    let storage: Int
    let stored: StoredElement
    let offset: Int
    /// Tuples of whole numbers, which any number of tensors may share.
    let extents: PickleValue
    let strides: PickleValue
  }

  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [Storage] = []
  var tensors: [TensorView] = []

  /// What a tuple or a list holds.
  func items(of value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index): tuples[index]
    case .list(let index): lists[index]
    default: nil
    }
  }

  /// A tuple of whole numbers, one an axis; `nil` where there are more of them than NumPy or PyTorch have axes.
  func integers(_ value: PickleValue) -> [Int]? {
    guard let items = items(of: value), items.count <= 64 else { return nil }
    var integers: [Int] = []
    for item in items {
      guard case .int(let integer) = item else { return nil }
      integers.append(integer)
    }
    return integers
  }
}
