import SegEngine

/// Reads a Python pickle as data. It is no Python: the only objects it knows are those of ``PickleGlobal``, and what is
/// done with them is written here. (Format: Python's `pickletools`, which documents every opcode.)
struct Unpickler {
  /// Why a pickle is not accepted.
  enum Failure: Error {
    case refusedGlobal(String)
    case format(FormatFailure)
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var stack: [PickleValue] = []
  /// Heights of the stack at which marks were set.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private(set) var heap = PickleHeap()

  /// Reads a whole pickle and gives the object it stands for.
  static func load(_ file: FileBytes) throws(Failure) -> (root: PickleValue, heap: PickleHeap) {
    defer { withExtendedLifetime(file) {} }
    var unpickler = Unpickler(bytes: file.bytes)
    let root = try unpickler.run()
    return (root, unpickler.heap)
  }

  private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func failure(_ reason: String) -> Failure {
    .format(FormatFailure("its pickle, at byte \(position), \(reason)"))
  }

  // MARK: - Opcodes

  private mutating func run() throws(Failure) -> PickleValue {
    while true {
      let code = try byte()
      switch Unicode.Scalar(code) {
      case ".": return try pop()
      case "\u{80}":
        let version = try byte()
        guard version <= 5 else { throw failure("is of protocol \(version)") }
      case "\u{95}": _ = try integer(UInt64.self)  // the length of a frame, of use to readers of streams only

      case "N": stack.append(.none)
      case "\u{88}": stack.append(.bool(true))
      case "\u{89}": stack.append(.bool(false))
      case "J": stack.append(.int(Int(try integer(Int32.self))))
      case "K": stack.append(.int(Int(try byte())))
      case "M": stack.append(.int(Int(try integer(UInt16.self))))
      case "\u{8A}": stack.append(try long(count: Int(try byte())))
      case "\u{8B}": stack.append(try long(count: Int(try integer(Int32.self))))
      case "G": stack.append(.float(Double(bitPattern: UInt64(bigEndian: try integer(UInt64.self)))))

      case "X": stack.append(.string(try string(count: UInt64(try integer(UInt32.self)))))
      case "\u{8C}": stack.append(.string(try string(count: UInt64(try byte()))))
      case "\u{8D}": stack.append(.string(try string(count: try integer(UInt64.self))))
      case "U": stack.append(.string(try string(count: UInt64(try byte()))))
      case "T": stack.append(.string(try string(count: UInt64(try integer(UInt32.self)))))
      case "C": try bytesObject(count: UInt64(try byte()))
      case "B": try bytesObject(count: UInt64(try integer(UInt32.self)))
      case "\u{8E}", "\u{96}": try bytesObject(count: try integer(UInt64.self))

      case "(": marks.append(stack.count)
      case "0": _ = try pop()
      case "1": _ = try popToMark()
      case "2": stack.append(try top())

      case ")": tuple([])
      case "t": tuple(try popToMark())
      case "\u{85}": tuple([try pop()])
      case "\u{86}":
        let second = try pop()
        tuple([try pop(), second])
      case "\u{87}":
        let third = try pop()
        let second = try pop()
        tuple([try pop(), second, third])

      case "]": list([])
      case "l": list(try popToMark())
      case "a":
        let item = try pop()
        try extendList([item])
      case "e": try extendList(try popToMark())

      case "}": dictionary([])
      case "d": dictionary(try pairs(try popToMark()))
      case "s":
        let value = try pop()
        let key = try pop()
        try extendDictionary([(key, value)])
      case "u": try extendDictionary(try pairs(try popToMark()))

      case "\u{8F}": stack.append(.set)
      case "\u{90}":
        _ = try popToMark()
        guard case .set = try top() else { throw failure("adds to a set that is none") }
      case "\u{91}":
        _ = try popToMark()
        stack.append(.set)

      case "q": memo[Int(try byte())] = try top()
      case "r": memo[Int(try integer(UInt32.self))] = try top()
      case "\u{94}": memo[memo.count] = try top()
      case "h": try recall(Int(try byte()))
      case "j": try recall(Int(try integer(UInt32.self)))

      case "c":
        let module = try line()
        try global(module: module, name: try line())
      case "\u{93}":
        let name = try pop()
        let module = try pop()
        guard case .string(let name) = name, case .string(let module) = module else {
          throw failure("names an object by something else than strings")
        }
        try global(module: module, name: name)
      case "i":
        let module = try line()
        throw .refusedGlobal("\(module).\(try line())")
      case "Q":
        let identifier = try pop()
        try persistentObject(identifier)
      case "R", "\u{81}":
        let arguments = try pop()
        let callable = try pop()
        guard case .global(let global) = callable, case .tuple(let index) = arguments else {
          throw failure("calls something that is no function")
        }
        stack.append(try call(global, heap.tuples[index]))
      case "b":
        // State of an OrderedDict: PyTorch keeps version numbers of modules there.
        _ = try pop()
        guard case .dictionary = try top() else { throw failure("sets the state of something else than a dictionary") }

      default:
        let printable = (0x21...0x7E).contains(code) ? " ('\(Character(Unicode.Scalar(code)))')" : ""
        throw .format(
          .unsupported("its pickle has opcode \(code)\(printable) at byte \(position - 1), which weights do not need"))
      }
    }
  }

  // MARK: - Objects

  private mutating func global(module: String, name: String) throws(Failure) {
    guard let global = PickleGlobal(module: module, name: name) else { throw .refusedGlobal("\(module).\(name)") }
    stack.append(.global(global))
  }

  /// What PyTorch keeps outside the pickle: `('storage', type, key, location, count)`.
  private mutating func persistentObject(_ identifier: PickleValue) throws(Failure) {
    guard case .tuple(let index) = identifier, heap.tuples[index].count == 5,
      case .string("storage") = heap.tuples[index][0], case .global(let type) = heap.tuples[index][1],
      case .string(let key) = heap.tuples[index][2], case .int(let count) = heap.tuples[index][4], count >= 0
    else { throw failure("refers to an outside object that is no storage") }
    let stored: StoredElement?
    switch type {
    case .storageType(let element): stored = element
    case .untypedStorage: stored = nil
    default: throw failure("refers to a storage of no known type")
    }
    heap.storages.append(PickleHeap.Storage(key: key, stored: stored, count: count))
    stack.append(.storage(heap.storages.count - 1))
  }

  private mutating func call(_ global: PickleGlobal, _ arguments: [PickleValue]) throws(Failure) -> PickleValue {
    switch global {
    case .orderedDictionary:
      // Its entries follow as items; a list of them as an argument, which could be used any number of times, is Python
      // 2's.
      guard arguments.isEmpty else { throw failure("makes an OrderedDict of something") }
      heap.dictionaries.append([])
      return .dictionary(heap.dictionaries.count - 1)
    case .set: return .set
    case .encode: return .bytes
    case .size:
      guard arguments.count == 1, heap.items(of: arguments[0]) != nil else {
        throw failure("has a size that is no tuple")
      }
      return arguments[0]
    case .device: return .other
    case .rebuildParameter:
      guard let data = arguments.first, case .tensor = data else { throw failure("has a parameter without a tensor") }
      return data
    case .rebuildTensor:
      // (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
      guard arguments.count >= 4, case .storage(let index) = arguments[0], let stored = heap.storages[index].stored
      else {
        throw failure("has a tensor without a storage")
      }
      return try tensor(index, stored, arguments)
    case .rebuildTypedTensor:
      // (storage, offset, size, stride, requires_grad, backward_hooks, dtype[, metadata])
      guard arguments.count >= 7, case .storage(let index) = arguments[0],
        case .global(.elementType(let stored)) = arguments[6]
      else { throw failure("has a tensor without a storage or a type") }
      return try tensor(index, stored, arguments)
    case .elementType, .storageType, .untypedStorage: throw failure("calls a type that is only named in weights")
    }
  }

  private mutating func tensor(
    _ storage: Int, _ stored: StoredElement, _ arguments: [PickleValue]
  ) throws(Failure) -> PickleValue {
    guard case .int(let offset) = arguments[1] else { throw failure("has a tensor without an offset") }
    heap.tensors.append(
      PickleHeap.TensorView(
        storage: storage, stored: stored, offset: offset, extents: arguments[2], strides: arguments[3]))
    return .tensor(heap.tensors.count - 1)
  }

  // MARK: - Containers

  private mutating func tuple(_ items: [PickleValue]) {
    heap.tuples.append(items)
    stack.append(.tuple(heap.tuples.count - 1))
  }

  private mutating func list(_ items: [PickleValue]) {
    heap.lists.append(items)
    stack.append(.list(heap.lists.count - 1))
  }

  private mutating func dictionary(_ entries: [(key: PickleValue, value: PickleValue)]) {
    heap.dictionaries.append(entries)
    stack.append(.dictionary(heap.dictionaries.count - 1))
  }

  private mutating func extendList(_ items: [PickleValue]) throws(Failure) {
    guard case .list(let index) = try top() else { throw failure("appends to a list that is none") }
    heap.lists[index].append(contentsOf: items)
  }

  private mutating func extendDictionary(_ entries: [(key: PickleValue, value: PickleValue)]) throws(Failure) {
    guard case .dictionary(let index) = try top() else {
      throw failure("sets an item of something else than a dictionary")
    }
    heap.dictionaries[index].append(contentsOf: entries)
  }

  private func pairs(_ items: [PickleValue]) throws(Failure) -> [(key: PickleValue, value: PickleValue)] {
    guard items.count.isMultiple(of: 2) else { throw failure("has a key without a value") }
    return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  // MARK: - Stack and memo

  /// The value on top; what lies below the last mark cannot be reached.
  private func top() throws(Failure) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else { throw failure("takes from an empty stack") }
    return value
  }

  private mutating func pop() throws(Failure) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func popToMark() throws(Failure) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("looks for a mark that was never set") }
    let items = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return items
  }

  private mutating func recall(_ index: Int) throws(Failure) {
    guard let value = memo[index] else { throw failure("recalls an object that was never kept") }
    stack.append(value)
  }

  // MARK: - Bytes

  private mutating func take(_ count: UInt64) throws(Failure) -> UnsafeRawBufferPointer {
    guard count <= UInt64(bytes.count - position) else { throw failure("ends too early") }
    let start = position
    position += Int(count)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  private mutating func byte() throws(Failure) -> UInt8 { try take(1)[0] }

  /// Little endian, as every number of a pickle but one.
  private mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type
  ) throws(Failure) -> Integer {
    Integer(littleEndian: try take(UInt64(MemoryLayout<Integer>.size)).loadUnaligned(as: type))
  }

  /// Two's complement in as few bytes as it needs.
  private mutating func long(count: Int) throws(Failure) -> PickleValue {
    guard count >= 0 else { throw failure("has a number of negative length") }
    let bytes = try take(UInt64(count))
    guard count <= 8 else { return .other }
    guard let last = bytes.last else { return .int(0) }
    var value: Int64 = last >= 0x80 ? -1 : 0
    for byte in bytes.reversed() { value = value << 8 | Int64(byte) }
    return .int(Int(value))
  }

  private mutating func string(count: UInt64) throws(Failure) -> String {
    String(decoding: try take(count), as: UTF8.self)
  }

  private mutating func bytesObject(count: UInt64) throws(Failure) {
    _ = try take(count)
    stack.append(.bytes)
  }

  private mutating func line() throws(Failure) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw failure("ends too early") }
    let line = String(decoding: bytes[position..<end], as: UTF8.self)
    position = end + 1
    return line
  }
}
