/// A dictionary of tensors in a pickle.
struct PickledDictionary {
  /// An entry of the dictionary.
  enum Entry {
    /// The index of a view in the heap.
    case tensor(Int)
    case rare(RareTensor)
  }

  /// The keys that lead to the dictionary, outermost first.
  let keys: [String]
  var entries: [String: Entry]
}

/// Finds all dictionaries of tensors in a pickle's object: in dictionaries, lists and attributes of objects, and in modules. A module's
/// parameters have the names that its state dictionary would give them.
struct PickledDictionaries {
  /// The containers of a heap, numbered consecutively.
  private struct Containers {
    let lists, dictionaries, objects, count: Int

    init(_ heap: PickleHeap) {
      lists = heap.tuples.count
      dictionaries = lists + heap.lists.count
      objects = dictionaries + heap.dictionaries.count
      count = objects + heap.objects.count
    }

    /// Returns the number of a container; `nil` if a value is not a container.
    func number(of value: PickleValue) -> Int? {
      switch value {
      case .tuple(let index): index
      case .list(let index): lists + index
      case .dictionary(let index): dictionaries + index
      case .object(let index): objects + index
      default: nil
      }
    }
  }

  /// The maximum number of keys that lead to a dictionary.
  private static let maximumDepth = 16
  /// The maximum nesting of modules.
  private static let maximumModuleDepth = 64

  private let heap: PickleHeap
  private let containers: Containers
  /// Whether tensors can be reached from a container, by its number. Other containers are not searched.
  private let leads: [Bool]
  /// The number of entries that may still be examined. It is limited because a hostile file can have exponentially many paths to the same
  /// container.
  private var budget: Int
  /// The bytes of names and prefixes that may still be found. They are limited because a long key can precede any number of names.
  private var textBudget = 1 << 26
  private var found: [PickledDictionary] = []

  /// Returns all dictionaries of tensors below `root`, outer ones first.
  static func find(in root: PickleValue, _ heap: PickleHeap) -> [PickledDictionary] {
    var search = PickledDictionaries(heap)
    search.run(root)
    return search.found
  }

  private init(_ heap: PickleHeap) {
    self.heap = heap
    containers = Containers(heap)
    leads = PickledDictionaries.leads(heap, containers)
    let items =
      heap.tuples.reduce(0) { $0 + $1.count } + heap.lists.reduce(0) { $0 + $1.count }
      + heap.dictionaries.reduce(0) { $0 + $1.count } + heap.objects.count
    budget = min(8 * items + 1024, 1 << 22)
  }

  /// Marks every container from which a tensor can be reached, going from inner to outer containers.
  private static func leads(_ heap: PickleHeap, _ containers: Containers) -> [Bool] {
    var leads = [Bool](repeating: false, count: containers.count)
    var pending: [Int] = []
    /// Pairs of a container and a container that contains it.
    var links: [(inner: Int32, outer: Int32)] = []
    func visit(_ values: some Sequence<PickleValue>, of outer: Int) {
      for value in values {
        switch value {
        case .tensor, .rareTensor:
          if !leads[outer] { pending.append(outer) }
          leads[outer] = true
        default:
          if let inner = containers.number(of: value) { links.append((Int32(inner), Int32(outer))) }
        }
      }
    }
    for (index, items) in heap.tuples.enumerated() { visit(items, of: index) }
    for (index, items) in heap.lists.enumerated() { visit(items, of: containers.lists + index) }
    for (index, entries) in heap.dictionaries.enumerated() {
      visit(entries.lazy.map(\.value), of: containers.dictionaries + index)
    }
    for (index, object) in heap.objects.enumerated() { visit(parts(of: object), of: containers.objects + index) }
    // Sorts by the inner container, so that its links are contiguous.
    links.sort { $0.inner < $1.inner }
    while let inner = pending.popLast() {
      var link = links.partitioningIndex { $0.inner >= inner }
      while link < links.count, links[link].inner == inner {
        let outer = Int(links[link].outer)
        if !leads[outer] { pending.append(outer) }
        leads[outer] = true
        link += 1
      }
    }
    return leads
  }

  /// Returns the containers of an object. Each has its items under names or numbers, so every cycle contains a key.
  private static func parts(of object: PickleHeap.Object) -> [PickleValue] {
    var parts = [object.arguments]
    if let items = object.items { parts.append(.dictionary(items)) }
    if let elements = object.elements { parts.append(.list(elements)) }
    switch object.state {
    case .dictionary, .tuple: parts.append(object.state)
    default: break
    }
    return parts
  }

  // MARK: - The search

  private func leadsToTensors(_ value: PickleValue) -> Bool { containers.number(of: value).map { leads[$0] } ?? false }

  private mutating func run(_ root: PickleValue) {
    // Breadth first, so that dictionaries near the root are found before the budget is used up.
    var queue: [(value: PickleValue, keys: [String])] = [(root, [])]
    var next = 0
    while next < queue.count, budget > 0, textBudget > 0 {
      let (value, keys) = queue[next]
      next += 1
      guard keys.count <= PickledDictionaries.maximumDepth, leadsToTensors(value) else { continue }
      budget -= 1
      switch value {
      case .tuple, .list:
        for (index, item) in (heap.items(of: value) ?? []).enumerated() {
          budget -= 1
          if leadsToTensors(item) { queue.append((item, keys + [String(index)])) }
        }
      case .dictionary(let index): visit(index, keys, &queue)
      case .object(let index):
        if let module = module(index) {
          add(module, under: keys)
        } else {
          // The attributes and items of an object have the object's keys, without a further name.
          for part in PickledDictionaries.parts(of: heap.objects[index]) { queue.append((part, keys)) }
        }
      default: continue
      }
    }
  }

  private mutating func visit(_ index: Int, _ keys: [String], _ queue: inout [(value: PickleValue, keys: [String])]) {
    var dictionary = PickledDictionary(keys: keys, entries: [:])
    for (key, value) in heap.dictionaries[index] {
      budget -= 1
      let name: String
      switch key {
      case .string(let text): name = text
      case .int(let number): name = String(number)
      default: continue
      }
      // If a name occurs several times, the last one counts, as in Python.
      switch value {
      case .tensor(let view): dictionary.entries[name] = .tensor(view)
      case .rareTensor(let kind): dictionary.entries[name] = .rare(kind)
      default:
        dictionary.entries[name] = nil
        if leadsToTensors(value) { queue.append((value, keys + [name])) }
      }
    }
    add(dictionary)
  }

  private mutating func add(_ dictionary: PickledDictionary) {
    guard !dictionary.entries.isEmpty else { return }
    let keyBytes = dictionary.keys.reduce(0) { $0 + $1.utf8.count + 1 }
    for name in dictionary.entries.keys { textBudget -= keyBytes + name.utf8.count }
    if textBudget >= 0 { found.append(dictionary) }
  }

  // MARK: - Modules

  /// The parts of a module (`torch.nn.Module`), from the dictionary of its attributes.
  private struct Module {
    let parameters: Int
    let buffers: Int?
    let modules: Int
    /// The names of non-persistent buffers, which a state dictionary omits.
    let passing: Set<String>
  }

  private func module(_ object: Int) -> Module? {
    guard case .dictionary(let attributes) = heap.objects[object].state,
      case .dictionary(let parameters)? = heap.value(of: "_parameters", in: attributes),
      case .dictionary(let modules)? = heap.value(of: "_modules", in: attributes)
    else { return nil }
    var buffers: Int?
    if case .dictionary(let index)? = heap.value(of: "_buffers", in: attributes) { buffers = index }
    var passing: Set<String> = []
    if let names = heap.value(of: "_non_persistent_buffers_set", in: attributes) {
      for case .string(let name) in heap.items(of: names) ?? [] { passing.insert(name) }
    }
    return Module(parameters: parameters, buffers: buffers, modules: modules, passing: passing)
  }

  private mutating func add(_ root: Module, under keys: [String]) {
    var dictionary = PickledDictionary(keys: keys, entries: [:])
    var pending: [(module: Module, prefix: String, depth: Int)] = [(root, "", 0)]
    while let (module, prefix, depth) = pending.popLast(), budget > 0 {
      for index in [module.parameters, module.buffers].compactMap(\.self) {
        for case (.string(let name), let value) in heap.dictionaries[index] {
          budget -= 1
          if index == module.buffers, module.passing.contains(name) { continue }
          switch value {
          case .tensor(let view): dictionary.entries[prefix + name] = .tensor(view)
          case .rareTensor(let kind): dictionary.entries[prefix + name] = .rare(kind)
          default: break
          }
        }
      }
      guard depth < PickledDictionaries.maximumModuleDepth else { continue }
      for case (.string(let name), .object(let object)) in heap.dictionaries[module.modules] {
        budget -= 1
        guard leadsToTensors(.object(object)), let inner = self.module(object) else { continue }
        pending.append((inner, "\(prefix)\(name).", depth + 1))
      }
    }
    add(dictionary)
  }
}

extension Array {
  /// Returns the first index whose element fulfils a condition that holds for all later elements too.
  fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
