import SegFiles

/// Reads a Python pickle as data, without Python. It interprets the functions and classes of ``PickleGlobal``. Of every
/// other object it keeps the arguments and state. Nothing is imported and no code is run. (Format: Python's
/// `pickletools`, which documents every opcode.)
struct Unpickler {
  /// The object of a pickle, and its end.
  struct Contents {
    let root: PickleValue
    let heap: PickleHeap
    /// The position of the first byte after the pickle.
    let end: Int
  }

  private var input: PickleReader
  var stack: [PickleValue] = []
  /// The stack heights at which marks were set.
  private var marks: [Int] = []
  /// The memo: values with consecutive numbers from 0, and values with other numbers. Picklers number consecutively,
  /// and a dictionary takes many times the memory.
  private var memo: [PickleValue] = []
  private var sparseMemo: [Int: PickleValue] = [:]
  var heap = PickleHeap()
  /// The number of items that may still be copied between containers. It is limited because a few bytes can request any
  /// number of copies.
  private var copyBudget: Int

  /// The maximum size of a pickle in bytes. Pickles of networks with thousands of tensors are below a megabyte. Reading
  /// takes about twenty times the size of the pickle in memory.
  static let maximumByteCount = 1 << 26

  /// The maximum number of values on the stack, and in the memo.
  private static let maximumHeight = 1 << 24

  /// Reads a whole pickle that begins at byte `start`. Other data may follow it.
  static func load(_ file: FileBytes, from start: Int = 0) throws(FormatFailure) -> Contents {
    defer { withExtendedLifetime(file) {} }
    let end = min(file.count, start + maximumByteCount)
    var unpickler = Unpickler(UnsafeRawBufferPointer(rebasing: file.bytes[..<end]), from: start)
    let root = try unpickler.run()
    return Contents(root: root, heap: unpickler.heap, end: unpickler.input.position)
  }

  private init(_ bytes: UnsafeRawBufferPointer, from start: Int) {
    input = PickleReader(bytes, from: start)
    copyBudget = bytes.count - start
  }

  func failure(_ reason: String) -> FormatFailure { input.failure(reason) }

  // MARK: - Opcodes

  private mutating func run() throws(FormatFailure) -> PickleValue {
    while true {
      let code = try input.byte()
      guard stack.count <= Unpickler.maximumHeight, memo.count + sparseMemo.count <= Unpickler.maximumHeight else {
        throw failure("keeps more objects at once than any checkpoint has")
      }
      switch Unicode.Scalar(code) {
      case ".": return try pop()
      case "\u{80}":
        let version = try input.byte()
        guard version <= 5 else { throw failure("is of protocol \(version)") }
      case "\u{95}": _ = try input.integer(UInt64.self)  // the length of a frame, of use to readers of streams only

      case "N": stack.append(.none)
      case "\u{88}": stack.append(.bool(true))
      case "\u{89}": stack.append(.bool(false))
      case "J": stack.append(.int(Int(try input.integer(Int32.self))))
      case "K": stack.append(.int(Int(try input.byte())))
      case "M": stack.append(.int(Int(try input.integer(UInt16.self))))
      case "\u{8A}": stack.append(try long(count: Int(try input.byte())))
      case "\u{8B}": stack.append(try long(count: Int(try input.integer(Int32.self))))
      case "G": stack.append(.float(Double(bitPattern: UInt64(bigEndian: try input.integer(UInt64.self)))))
      case "I", "L": stack.append(try decimal())
      case "F":
        guard let number = Double(try input.line()) else { throw failure("has a number that is none") }
        stack.append(.float(number))

      case "X": stack.append(.string(try input.string(count: UInt64(try input.integer(UInt32.self)))))
      case "\u{8C}": stack.append(.string(try input.string(count: UInt64(try input.byte()))))
      case "\u{8D}": stack.append(.string(try input.string(count: try input.integer(UInt64.self))))
      case "U": stack.append(.string(try input.string(count: UInt64(try input.byte()))))
      case "T": stack.append(.string(try input.string(count: UInt64(try input.integer(UInt32.self)))))
      case "V": stack.append(.string(try input.line()))
      case "S": stack.append(.string(String(try input.line().dropFirst().dropLast())))
      case "C": try bytesObject(count: UInt64(try input.byte()))
      case "B": try bytesObject(count: UInt64(try input.integer(UInt32.self)))
      case "\u{8E}", "\u{96}": try bytesObject(count: try input.integer(UInt64.self))

      case "(": marks.append(stack.count)
      case "0": _ = try pop()
      case "1": _ = try popToMark()
      case "2": stack.append(try top())

      case ")": stack.append(tuple([]))
      case "t": stack.append(tuple(try popToMark()))
      case "\u{85}": stack.append(tuple([try pop()]))
      case "\u{86}":
        let second = try pop()
        stack.append(tuple([try pop(), second]))
      case "\u{87}":
        let third = try pop()
        let second = try pop()
        stack.append(tuple([try pop(), second, third]))

      case "]": stack.append(.list(list([])))
      case "l": stack.append(.list(list(try popToMark())))
      case "a":
        let item = try pop()
        try extendList([item])
      case "e": try extendList(try popToMark())

      case "}": stack.append(.dictionary(dictionary([])))
      case "d": stack.append(.dictionary(dictionary(try pairs(try popToMark()))))
      case "s":
        let value = try pop()
        let key = try pop()
        try extendDictionary([(key, value)])
      case "u": try extendDictionary(try pairs(try popToMark()))

      case "\u{8F}": stack.append(.set(list([])))
      case "\u{90}":
        let items = try popToMark()
        switch try top() {
        case .set(let index): heap.lists[index].append(contentsOf: items)
        case .object, .other: break
        default: throw failure("adds to a set that is none")
        }
      case "\u{91}": stack.append(.set(list(try popToMark())))

      case "q": try keep(Int(try input.byte()))
      case "r": try keep(Int(try input.integer(UInt32.self)))
      case "p": try keep(try memoKey())
      case "\u{94}": try keep(memo.count + sparseMemo.count)
      case "h": try recall(Int(try input.byte()))
      case "j": try recall(Int(try input.integer(UInt32.self)))
      case "g": try recall(try memoKey())

      case "c":
        let module = try input.line()
        stack.append(.global(PickleGlobal(module: module, name: try input.line())))
      case "\u{93}":
        let name = try pop()
        let module = try pop()
        guard case .string(let name) = name, case .string(let module) = module else {
          throw failure("names an object by something else than strings")
        }
        stack.append(.global(PickleGlobal(module: module, name: name)))
      case "i":
        let module = try input.line()
        let global = PickleGlobal(module: module, name: try input.line())
        stack.append(try call(global, try popToMark()))
      case "o":
        var items = try popToMark()
        guard !items.isEmpty else { throw failure("makes an object of no class") }
        guard case .global(let global) = items.removeFirst() else { throw failure("makes an object of no class") }
        stack.append(try call(global, items))
      case "Q":
        let identifier = try pop()
        try persistentObject(identifier)
      case "R", "\u{81}":
        let arguments = try pop()
        try reduce(try pop(), arguments)
      case "\u{92}":
        _ = try pop()  // keyword arguments
        let arguments = try pop()
        try reduce(try pop(), arguments)
      case "b":
        let state = try pop()
        // Other values need no state: that of an OrderedDict contains version numbers of modules, that of an array its
        // numbers.
        if case .object(let index) = try top() { heap.objects[index].state = state }

      default:
        let printable = (0x21...0x7E).contains(code) ? " ('\(Character(Unicode.Scalar(code)))')" : ""
        throw .unsupported(
          "its pickle has opcode \(code)\(printable) at byte \(input.position - 1), which weights do not need")
      }
    }
  }

  // MARK: - Containers

  mutating func tuple(_ items: [PickleValue]) -> PickleValue {
    heap.tuples.append(items)
    return .tuple(heap.tuples.count - 1)
  }

  mutating func list(_ items: [PickleValue]) -> Int {
    heap.lists.append(items)
    return heap.lists.count - 1
  }

  mutating func dictionary(_ entries: [(key: PickleValue, value: PickleValue)]) -> Int {
    heap.dictionaries.append(entries)
    return heap.dictionaries.count - 1
  }

  mutating func object(_ arguments: PickleValue) -> PickleValue {
    heap.objects.append(PickleHeap.Object(arguments: arguments))
    return .object(heap.objects.count - 1)
  }

  /// Returns the entries of a dictionary made from another dictionary or from a sequence of pairs.
  mutating func entries(
    _ arguments: [PickleValue]
  ) throws(FormatFailure) -> [(key: PickleValue, value: PickleValue)] {
    guard let first = arguments.first else { return [] }
    if case .dictionary(let index) = first {
      try spend(heap.dictionaries[index].count)
      return heap.dictionaries[index]
    }
    var entries: [(key: PickleValue, value: PickleValue)] = []
    for item in try copied(heap.items(of: first) ?? []) {
      guard let pair = heap.items(of: item), pair.count == 2 else { throw failure("has a key without a value") }
      entries.append((pair[0], pair[1]))
    }
    return entries
  }

  mutating func copied(_ items: [PickleValue]) throws(FormatFailure) -> [PickleValue] {
    try spend(items.count)
    return items
  }

  private mutating func spend(_ count: Int) throws(FormatFailure) {
    guard count <= copyBudget else { throw failure("copies more than it holds") }
    copyBudget -= count
  }

  private mutating func extendList(_ items: [PickleValue]) throws(FormatFailure) {
    switch try top() {
    case .list(let index): heap.lists[index].append(contentsOf: items)
    case .object(let index):
      if let elements = heap.objects[index].elements {
        heap.lists[elements].append(contentsOf: items)
      } else {
        heap.objects[index].elements = list(items)
      }
    case .other: break
    default: throw failure("appends to a list that is none")
    }
  }

  private mutating func extendDictionary(_ entries: [(key: PickleValue, value: PickleValue)]) throws(FormatFailure) {
    switch try top() {
    case .dictionary(let index): heap.dictionaries[index].append(contentsOf: entries)
    case .object(let index):
      if let items = heap.objects[index].items {
        heap.dictionaries[items].append(contentsOf: entries)
      } else {
        heap.objects[index].items = dictionary(entries)
      }
    case .other: break
    default: throw failure("sets an item of something else than a dictionary")
    }
  }

  private func pairs(_ items: [PickleValue]) throws(FormatFailure) -> [(key: PickleValue, value: PickleValue)] {
    guard items.count.isMultiple(of: 2) else { throw failure("has a key without a value") }
    return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  // MARK: - Stack and memo

  /// Returns the top of the stack. Values below the last mark cannot be accessed.
  private func top() throws(FormatFailure) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else { throw failure("takes from an empty stack") }
    return value
  }

  private mutating func pop() throws(FormatFailure) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func popToMark() throws(FormatFailure) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw failure("looks for a mark that was never set") }
    let items = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return items
  }

  private mutating func keep(_ index: Int) throws(FormatFailure) {
    let value = try top()
    if index < memo.count {
      memo[index] = value
    } else if index == memo.count {
      memo.append(value)
      sparseMemo[index] = nil
    } else {
      sparseMemo[index] = value
    }
  }

  private mutating func recall(_ index: Int) throws(FormatFailure) {
    guard let value = index < memo.count ? memo[index] : sparseMemo[index] else {
      throw failure("recalls an object that was never kept")
    }
    stack.append(value)
  }

  private mutating func memoKey() throws(FormatFailure) -> Int {
    guard let key = Int(try input.line()), key >= 0 else {
      throw failure("keeps an object under something else than a number")
    }
    return key
  }

  // MARK: - Operands

  /// Reads a two's complement integer of `count` bytes.
  private mutating func long(count: Int) throws(FormatFailure) -> PickleValue {
    guard count >= 0 else { throw failure("has a number of negative length") }
    let bytes = try input.take(UInt64(count))
    guard count <= 8 else { return .other }
    guard let last = bytes.last else { return .int(0) }
    var value: Int64 = last >= 0x80 ? -1 : 0
    for byte in bytes.reversed() { value = value << 8 | Int64(byte) }
    return .int(Int(value))
  }

  /// Reads a decimal integer. Older protocols write false and true as `00` and `01`.
  private mutating func decimal() throws(FormatFailure) -> PickleValue {
    let text = try input.line()
    if text == "00" || text == "01" { return .bool(text == "01") }
    let digits = text.hasSuffix("L") ? text.dropLast() : text[...]
    if let number = Int(digits) { return .int(number) }
    let unsigned = digits.drop { $0 == "-" }
    guard !unsigned.isEmpty, unsigned.allSatisfy({ ("0"..."9").contains($0) }) else {
      throw failure("has a number that is none")
    }
    return .other
  }

  private mutating func bytesObject(count: UInt64) throws(FormatFailure) {
    _ = try input.take(count)
    stack.append(.other)
  }
}
