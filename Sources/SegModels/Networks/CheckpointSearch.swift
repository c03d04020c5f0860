import SegEngine

/// Finds a network's weights in a checkpoint by the network's parameter names.
///
/// The path of a tensor is the keys of its dictionaries and its name, joined by dots. `{"state_dict":
/// {"model.conv.weight": …}}` and `{"model": {"conv": {"weight": …}}}` are therefore treated alike: the weights have a
/// common prefix. Each split of a path whose second part is a name of the network counts as a vote for the first part
/// as the prefix. A prefix is a candidate if all names are found under it with the expected shapes.
struct CheckpointSearch {
  /// A tensor of the checkpoint.
  struct Item {
    /// The index of its dictionary.
    let dictionary: Int
    /// Its name in the dictionary.
    let name: String
    /// Its path: the keys of the dictionaries and the name, joined by dots.
    let path: String
    let entry: Checkpoint.Entry
  }

  let checkpoint: Checkpoint
  let graph: Graph
  let mapping: CheckpointMapping
  let head: CheckpointMapping.Head
  /// The parameters to find.
  let needed: [Graph.ParameterInfo]
  let places: [Substring: Int]
  /// The replacement for each renamed prefix.
  let renames: [Substring: String]
  /// The length in bytes of the longest name that may be one of the network's.
  let longestName: Int
  /// The checkpoint keys that the graph ignores.
  let unneeded: Set<Substring>
  /// All prefixes of the network's names that end at a component.
  let branches: Set<Substring>

  init(_ checkpoint: Checkpoint, for graph: Graph, mapping: CheckpointMapping, head: CheckpointMapping.Head) {
    self.checkpoint = checkpoint
    self.graph = graph
    self.mapping = mapping
    self.head = head
    var unneeded = Set(graph.ignoredCheckpointKeys.map { $0[...] })
    if head == .ofCheckpoint {
      needed = graph.parameters
    } else {
      needed = graph.parameters.filter { !mapping.isHead($0.name) }
      unneeded.formUnion(graph.parameters.map(\.name).filter(mapping.isHead).map { $0[...] })
    }
    self.unneeded = unneeded
    renames = Dictionary(mapping.renames.map { ($0.prefix[...], $0.replacement) }) { first, _ in first }
    longestName =
      (mapping.renames.map(\.prefix.utf8.count).max() ?? 0) + (needed.map(\.name.utf8.count).max() ?? 0)
    places = Dictionary(uniqueKeysWithValues: needed.enumerated().map { ($1.name[...], $0) })
    var branches: Set<Substring> = []
    for name in graph.parameters.map(\.name) + graph.ignoredCheckpointKeys {
      for end in name.indices where name[end] == "." { branches.insert(name[..<end]) }
      branches.insert(name[...])
    }
    self.branches = branches
  }

  // MARK: - Weights

  /// Reads the weights of the only candidate.
  ///
  /// - Throws: `ParameterError`, ``CheckpointError``.
  func loaded(key: String?) throws -> LoadedParameters {
    var items = checkpoint.stateDictionaries.enumerated().flatMap { index, dictionary in
      dictionary.entries.map { name, entry in
        Item(dictionary: index, name: name, path: (dictionary.keys + [name]).joined(separator: "."), entry: entry)
      }
    }
    // A longer name is not that of a module, and trying every split takes time quadratic in its length.
    items.removeAll { $0.path.utf8.count > 4096 }
    guard !items.isEmpty else { throw CheckpointError.noTensors }
    items.sort { ($0.dictionary, $0.name) < ($1.dictionary, $1.name) }
    if let key, key != "." { items = try chosen(items, key) }

    var closest: (candidate: Candidate, findings: Findings)?
    for items in [items, unwrapped(items)].compactMap(\.self) {
      let complete = candidates(among: items)
      let judged = complete.filter { key != "." || $0.prefix.isEmpty }
        .map { ($0, findings(on: $0, among: items, others: complete)) }
      let fitting = judged.filter { $0.1.areNone }
      if let first = fitting.first {
        try requireOne(of: fitting.map(\.0), among: items)
        return try read(first.0, first.1, among: items)
      }
      let best = judged.first ?? nearest(to: items).map { ($0, findings(on: $0, among: items, others: [])) }
      if let best, closest.map({ best.0.matches > $0.candidate.matches }) ?? true { closest = best }
    }
    throw closest?.findings.error(graph.name) ?? CheckpointError.noTensors
  }

  private func read(_ candidate: Candidate, _ findings: Findings, among items: [Item]) throws -> LoadedParameters {
    var parameters = Parameters()
    for (info, place) in zip(needed, candidate.assignment) {
      if let place, case .tensor(_, let read) = items[place].entry { parameters[info.name] = try read() }
    }
    if case .drawn(let seed) = head {
      parameters.tensors.merge(Parameters(initializing: graph, seed: seed, where: mapping.isHead).tensors) { $1 }
    }
    try parameters.validate(for: graph)
    return LoadedParameters(
      parameters: parameters, prefix: String(candidate.prefix.dropLast()), leftOut: findings.leftOut)
  }

  /// Throws if two candidates have different values.
  private func requireOne(of candidates: [Candidate], among items: [Item]) throws {
    guard let first = candidates.first else { return }
    for other in candidates.dropFirst() {
      for (a, b) in zip(first.assignment, other.assignment) {
        guard let a, let b, case .tensor(_, let readA) = items[a].entry, case .tensor(_, let readB) = items[b].entry,
          try hasSameBytes(readA(), readB())
        else { throw CheckpointError.severalFit(network: graph.name, keys: labels(of: candidates, among: items)) }
      }
    }
  }

  private func hasSameBytes(_ a: Tensor, _ b: Tensor) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  // MARK: - Keys

  /// The tensors under a key: those in the dictionary with that key; else those whose path starts with the key; else
  /// those whose path contains it.
  private func chosen(_ items: [Item], _ key: String) throws -> [Item] {
    let inDictionary = items.filter { checkpoint.stateDictionaries[$0.dictionary].keys.joined(separator: ".") == key }
    if !inDictionary.isEmpty { return inDictionary }
    let below = items.filter { $0.path.hasPrefix(key + ".") }
    if !below.isEmpty { return below }
    let holding = items.filter { ".\($0.path)".contains(".\(key).") }
    guard holding.isEmpty else { return holding }
    let keys = checkpoint.stateDictionaries.map { $0.keys.isEmpty ? "." : $0.keys.joined(separator: ".") }
    throw CheckpointError.unknownKey(key, available: keys)
  }

  /// The shortest keys that distinguish the candidates.
  private func labels(of candidates: [Candidate], among items: [Item]) -> [String] {
    let keys = candidates.map { candidate in
      let place = candidate.assignment.lazy.compactMap(\.self).first
      return place.map { checkpoint.stateDictionaries[items[$0].dictionary].keys.joined(separator: ".") } ?? ""
    }
    let labels = Set(keys).count == keys.count ? keys : candidates.map { String($0.prefix.dropLast()) }
    return labels.map { $0.isEmpty ? "." : $0 }
  }
}
