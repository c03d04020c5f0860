import SegFiles

// Calls of functions and classes, and data outside the pickle.
extension Unpickler {
  /// Handles data that PyTorch stores outside the pickle: `('storage', type, key, location, count[, view])`, and in
  /// older files the class of a module with its source text.
  mutating func persistentObject(_ identifier: PickleValue) throws(FormatFailure) {
    guard let items = heap.items(of: identifier), case .string(let kind)? = items.first else {
      throw failure("refers to an outside object that is no storage")
    }
    if kind == "module" {
      stack.append(.global(.opaque))
      return
    }
    guard kind == "storage", items.count >= 5, case .global(let type) = items[1], case .int(let count) = items[4],
      count >= 0
    else { throw failure("refers to an outside object that is no storage") }
    let key: String
    switch items[2] {
    case .string(let text): key = text
    case .int(let number): key = String(number)
    default: throw failure("refers to a storage without a name")
    }
    let number: StoredNumber?
    switch type {
    case .storageType(let stored): number = stored
    case .untypedStorage: number = nil
    case .opaque: number = .rare("unknown")
    default: throw failure("refers to a storage of no known type")
    }
    var storage = PickleHeap.Storage(key: key, number: number, count: count)
    // A view of a storage: (its key, its first element, its number of elements).
    if items.count > 5, let view = heap.items(of: items[5]) {
      guard view.count == 3, case .int(let start) = view[1], case .int(let length) = view[2], start >= 0, length >= 0
      else { throw failure("has a view of a storage that is none") }
      storage = PickleHeap.Storage(key: key, number: number, count: length, start: start)
    }
    heap.storages.append(storage)
    stack.append(.storage(heap.storages.count - 1))
  }

  /// Calls a function or class with a tuple of arguments, and pushes the result.
  mutating func reduce(_ callable: PickleValue, _ arguments: PickleValue) throws(FormatFailure) {
    guard case .tuple(let index) = arguments else { throw failure("calls something without arguments") }
    // The callable may be the result of an opaque call.
    guard case .global(let global) = callable else {
      stack.append(object(arguments))
      return
    }
    stack.append(try call(global, heap.tuples[index], arguments))
  }

  /// Returns the result of calling a function or class. Those that are not interpreted give an object of their
  /// arguments.
  mutating func call(
    _ global: PickleGlobal, _ arguments: [PickleValue], _ tuple: PickleValue? = nil
  ) throws(FormatFailure) -> PickleValue {
    switch global {
    case .dictionary: return .dictionary(dictionary(try entries(arguments)))
    case .defaultDictionary: return .dictionary(dictionary([]))
    case .set:
      guard let first = arguments.first else { return .set(list([])) }
      guard case .list(let index) = first else { return .set(list(try copied(heap.items(of: first) ?? []))) }
      return .set(index)
    case .size: return arguments.first ?? self.tuple([])
    case .rebuildParameter: return arguments.first ?? .other
    case .rebuildSubclass:
      // (function, class, arguments, state); the function rebuilds a tensor.
      guard arguments.count >= 3, case .global(let function) = arguments[0], function != .rebuildSubclass,
        let inner = heap.items(of: arguments[2])
      else { return .rareTensor(.subclass) }
      return try call(function, inner, arguments[2])
    case .rebuildTensor:
      // (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]])
      guard arguments.count >= 4, case .storage(let index) = arguments[0], let number = heap.storages[index].number
      else { throw failure("has a tensor without a storage") }
      return try tensor(index, number, arguments, metadata: 6)
    case .rebuildTypedTensor:
      // (storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])
      guard arguments.count >= 7, case .storage(let index) = arguments[0],
        case .global(.elementType(let number)) = arguments[6]
      else { throw failure("has a tensor without a storage or a type") }
      return try tensor(index, number, arguments, metadata: 7)
    case .rebuildRare(let kind): return .rareTensor(kind)
    case .opaque, .elementType, .storageType, .untypedStorage: return object(tuple ?? self.tuple(arguments))
    }
  }

  /// Returns a tensor with elements in a storage. Index `metadata` of the arguments may have the bits of lazy
  /// operations.
  private mutating func tensor(
    _ storage: Int, _ number: StoredNumber, _ arguments: [PickleValue], metadata: Int
  ) throws(FormatFailure) -> PickleValue {
    guard case .int(let offset) = arguments[1] else { throw failure("has a tensor without an offset") }
    if arguments.count > metadata, case .dictionary(let index) = arguments[metadata] {
      for name in ["conj", "neg"] {
        if case .bool(true)? = heap.value(of: name, in: index) { return .rareTensor(.negated) }
      }
    }
    switch number {
    case .rare(let name): return .rareTensor(.elements(name))
    case .element(let stored):
      heap.tensors.append(
        PickleHeap.TensorView(
          storage: storage, stored: stored, offset: offset, extents: arguments[2], strides: arguments[3]))
      return .tensor(heap.tensors.count - 1)
    }
  }
}
