import SegFiles

/// The objects behind the numbers in ``PickleValue``. Each opcode makes one at most, so all of them together are bounded by the
/// size of the pickle.
struct PickleHeap {
  /// A run of elements outside the pickle.
  struct Storage {
    let key: String
    /// `nil` for a storage of bytes.
    let number: StoredNumber?
    /// Number of elements that the pickle claims; bytes where untyped.
    let count: Int
    /// Where it begins in the storage of its key, in elements: older files have views of storages.
    var start = 0
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

  /// An object whose class is of no interest.
  struct Object {
    /// What its class was called with.
    let arguments: PickleValue
    /// What it was given as its state: for most classes the dictionary of its attributes.
    var state = PickleValue.none
    /// The dictionary of its items, where it is a kind of dictionary.
    var items: Int?
    /// The list of its items, where it is a kind of list.
    var elements: Int?
  }

  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var storages: [Storage] = []
  var tensors: [TensorView] = []
  var objects: [Object] = []

  /// What a tuple, a list or a set holds.
  func items(of value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let index): tuples[index]
    case .list(let index), .set(let index): lists[index]
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

  /// The value of a string key in a dictionary. Of equal names the last counts, as in Python.
  func value(of name: String, in dictionary: Int) -> PickleValue? {
    dictionaries[dictionary].last { entry in
      if case .string(name) = entry.key { true } else { false }
    }?.value
  }
}
