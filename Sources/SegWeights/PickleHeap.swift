import SegFiles

/// The objects to which a ``PickleValue`` refers by index. Each opcode makes at most one, so their number is bounded by the size of the
/// pickle.
struct PickleHeap {
  /// A storage: a sequence of elements outside the pickle.
  struct Storage {
    let key: String
    /// The element type; `nil` for a storage of bytes.
    let number: StoredNumber?
    /// The number of elements that the pickle states; bytes if the storage is untyped.
    let count: Int
    /// The first element within the storage of the same key. Older files have views of storages.
    var start = 0
  }

  /// A view of a storage. It is not yet checked against the bytes of the file.
  struct TensorView {
    let storage: Int
    let stored: StoredElement
    let offset: Int
    /// Tuples of integers, which any number of tensors may share.
    let extents: PickleValue
    let strides: PickleValue
  }

  /// An object of a class that is not interpreted.
  struct Object {
    /// The arguments with which its class was called.
    let arguments: PickleValue
    /// Its state: for most classes the dictionary of its attributes.
    var state = PickleValue.none
    /// The dictionary of its items, if it is a kind of dictionary.
    var items: Int?
    /// The list of its items, if it is a kind of list.
    var elements: Int?
  }

  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [Storage] = []
  var tensors: [TensorView] = []
  var objects: [Object] = []

  /// Returns the items of a tuple, a list or a set.
  func items(of value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index): tuples[index]
    case .list(let index), .set(let index): lists[index]
    default: nil
    }
  }

  /// Returns a tuple of integers, one per axis; `nil` if there are more than NumPy or PyTorch allow axes.
  func integers(_ value: PickleValue) -> [Int]? {
    guard let items = items(of: value), items.count <= 64 else { return nil }
    var integers: [Int] = []
    for item in items {
      guard case .int(let integer) = item else { return nil }
      integers.append(integer)
    }
    return integers
  }

  /// Returns the value of a string key in a dictionary. If a key occurs several times, the last one counts, as in Python.
  func value(of name: String, in dictionary: Int) -> PickleValue? {
    dictionaries[dictionary].last { entry in
      if case .string(name) = entry.key { true } else { false }
    }?.value
  }
}
