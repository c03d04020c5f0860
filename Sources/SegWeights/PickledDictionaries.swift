/// A dictionary of tensors in a pickle.
struct PickledDictionary {
  /// What it holds under a name.
  enum Entry {
    /// The number of a view in the heap.
    case tensor(Int)
    case rare(RareTensor)
  }

  /// The keys that lead to it, outermost first.
  let keys: [String]
  var entries: [String: Entry]
}

/// Looks for all dictionaries of tensors in what a pickle stands for: in dictionaries, lists and attributes of objects, and in
/// modules, whose parameters have the names that their state dictionary would give them.
struct PickledDictionaries {
  /// The containers of a heap, counted through.
  private struct Containers {
    let lists, dictionaries, objects, count: Int

    init(_ heap: PickleHeap) {
      lists = heap.tuples.count
      dictionaries = lists + heap.lists.count
      objects = dictionaries + heap.dictionaries.count
      count = objects + heap.objects.count
    }

    /// The number of a container; `nil` where a value is none.
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

  /// Most keys that lead to a dictionary.
  private static let maximumDepth = 16
  /// Deepest nesting of modules.
  private static let maximumModuleDepth = 64

  private let heap: PickleHeap
  private let containers: Containers
  /// Whether tensors can be reached from a container, by its number; nothing else is looked at.
  private let leads: [Bool]
  /// Entries that may still be looked at. The same container may be reached in many ways, in a hostile file in exponentially
  /// many.
  private var budget: Int
  /// Bytes of names and of the keys before them that may still be found: a long key may stand before any number of names.
  private var textBudget = 1 << 26
  private var found: [PickledDictionary] = []

  /// All dictionaries of tensors below `root`, outer ones first.
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

  /// Goes back from every container that holds a tensor to those that hold it.
  private static func leads(_ heap: PickleHeap, _ containers: Containers) -> [Bool] {
    var leads = [Bool](repeating: false, count: containers.count)
    var pending: [Int] = []
    /// Which container holds which.
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
    // The links to each container, one behind the other.
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

  /// The containers of which an object is made. Each holds what it holds under a name or a number, so that no cycle is without keys.
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
    // Breadth first: what lies near the root is found before the budget ends.
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
          // Attributes and items of an object stand under its own keys: neither has a name before them.
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
      // Of equal names the last counts, as in Python.
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

  /// The parts of a module (`torch.nn.Module`) in the dictionary of its attributes.
  private struct Module {
    let parameters: Int
    let buffers: Int?
    let modules: Int
    /// Names of buffers that a state dictionary leaves out.
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
  /// The first index whose element fulfils a condition that holds for all behind it as well.
  fileprivate func partitioningIndex(where condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
