/// The dictionary of tensors in what a checkpoint holds.
struct StateDictionary {
  /// Where it was found.
  var keys: [String]
  /// Numbers of tensor views, by name.
  var tensors: [String: Int] = [:]
  /// Names of entries that are no tensors, in it and beside it.
  var skipped: [String]
}

/// Looks for the state dictionary in the object of a pickle.
struct StateDictionaryFinder {
  let heap: PickleHeap
  let path: String

  /// Entries of dictionaries by name. A dictionary may be reached in many ways, even from within itself; it is gone
  /// through once.
  private var known: [Int: Entries] = [:]

  private struct Entries {
    var values: [String: PickleValue] = [:]
    /// Words for entries whose key is no string.
    var unnamed: [String] = []
    var hasTensors = false
  }

  /// Deepest nesting that is looked through: `{"model": {"state_dict": …}}` has two levels.
  private static let maximumDepth = 4

  init(heap: PickleHeap, path: String) {
    self.heap = heap
    self.path = path
  }

  /// Finds the dictionary, under the given key, or under one of the known ones, or as the object itself.
  mutating func find(in root: PickleValue, key: String?) throws(WeightsError) -> StateDictionary {
    guard case .dictionary(let index) = root else { throw WeightsError(path, .noStateDictionary(keys: [])) }
    guard let key else { return try find(in: index, keys: []) }
    let entries = entries(of: index)
    guard case .dictionary(let inner)? = entries.values[key] else {
      throw WeightsError(path, .noStateDictionary(keys: entries.values.keys.sorted()))
    }
    var found = try find(in: inner, keys: [key])
    found.skipped += others(in: entries, than: key)
    return found
  }

  private mutating func find(in index: Int, keys: [String]) throws(WeightsError) -> StateDictionary {
    let entries = entries(of: index)
    var candidates: [(key: String, index: Int)] = []
    for key in PyTorchCheckpoint.knownStateDictionaryKeys {
      guard case .dictionary(let inner)? = entries.values[key] else { continue }
      if holdsTensors(inner, depth: keys.count + 1) { candidates.append((key, inner)) }
    }
    guard candidates.count <= 1 else {
      throw WeightsError(path, .severalStateDictionaries(keys: candidates.map(\.key)))
    }
    if let candidate = candidates.first {
      var found = try find(in: candidate.index, keys: keys + [candidate.key])
      found.skipped += others(in: entries, than: candidate.key)
      return found
    }
    var found = StateDictionary(keys: keys, skipped: entries.unnamed)
    for (name, value) in entries.values.sorted(by: { $0.key < $1.key }) {
      if case .tensor(let view) = value { found.tensors[name] = view } else { found.skipped.append(name) }
    }
    guard entries.hasTensors else {
      throw WeightsError(path, .noStateDictionary(keys: entries.values.keys.sorted()))
    }
    return found
  }

  private func others(in entries: Entries, than key: String) -> [String] {
    entries.values.keys.filter { $0 != key }.sorted() + entries.unnamed
  }

  /// Whether a dictionary has tensors, itself or under one of the known keys.
  private mutating func holdsTensors(_ index: Int, depth: Int) -> Bool {
    guard depth <= StateDictionaryFinder.maximumDepth else { return false }
    let entries = entries(of: index)
    if entries.hasTensors { return true }
    for key in PyTorchCheckpoint.knownStateDictionaryKeys {
      if case .dictionary(let inner)? = entries.values[key], holdsTensors(inner, depth: depth + 1) { return true }
    }
    return false
  }

  /// Of equal names the last counts, as in Python.
  private mutating func entries(of index: Int) -> Entries {
    if let entries = known[index] { return entries }
    var entries = Entries()
    for (key, value) in heap.dictionaries[index] {
      switch key {
      case .string(let name): entries.values[name] = value
      case .int(let number): entries.unnamed.append("\(number)")
      default: entries.unnamed.append("(a key that is no string)")
      }
    }
    entries.hasTensors = entries.values.values.contains { value in
      if case .tensor = value { true } else { false }
    }
    known[index] = entries
    return entries
  }
}
