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

  private let checkpoint: Checkpoint
  private let graph: Graph
  private let mapping: CheckpointMapping
  private let head: CheckpointMapping.Head
  /// The parameters to find.
  private let needed: [Graph.ParameterInfo]
  private let places: [Substring: Int]
  /// The replacement for each renamed prefix.
  private let renames: [Substring: String]
  /// The length in bytes of the longest name that may be one of the network's.
  private let longestName: Int
  /// The checkpoint keys that the graph ignores.
  private let unneeded: Set<Substring>
  /// All prefixes of the network's names that end at a component.
  private let branches: Set<Substring>

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

  // MARK: - Candidates

  /// A possible location of the network's weights.
  struct Candidate {
    /// The prefix of all names, with its final dot.
    let prefix: String
    /// If the parts of the network have different prefixes: the prefix of each part in the checkpoint, and in the
    /// network.
    var parts: [(prefix: String, part: String)] = []
    /// The index of the item for each required parameter.
    let assignment: [Int?]
    /// The number of parameters that are found with the expected shape.
    let matches: Int
  }

  /// All candidates that contain every parameter with the expected shape.
  private func candidates(among items: [Item]) -> [Candidate] {
    var candidates: [Candidate] = []
    for (prefix, votes) in votes(of: items) where votes >= needed.count {
      let candidate = candidate(at: prefix, among: items)
      // With renames, one set of weights may match under two prefixes.
      if candidate.matches == needed.count, !candidates.contains(where: { $0.assignment == candidate.assignment }) {
        candidates.append(candidate)
      }
    }
    return candidates.isEmpty ? partwise(items) : candidates
  }

  /// The prefixes under which a parameter is found with the expected shape, and the number of such parameters; shorter
  /// prefixes first.
  private func votes(of items: [Item]) -> [(prefix: String, count: Int)] {
    var votes: [Substring: Int] = [:]
    for item in items {
      guard case .tensor(let spec, _) = item.entry else { continue }
      for start in item.path.nameStarts(longest: longestName) {
        if let place = place(of: item.path[start...]), needed[place].spec == spec {
          votes[item.path[..<start], default: 0] += 1
        }
      }
    }
    return votes.map { (String($0), $1) }.sorted { ($0.prefix.count, $0.prefix) < ($1.prefix.count, $1.prefix) }
  }

  private func place(of name: Substring) -> Int? { places[name] ?? renamed(name).flatMap { places[$0[...]] } }

  /// A name after renaming, or `nil` if no rule matches.
  private func renamed(_ name: Substring) -> String? {
    guard !renames.isEmpty else { return nil }
    for end in name.utf8.indices where name.utf8[end] == UInt8(ascii: ".") {
      let start = name.utf8.index(after: end)
      if let replacement = renames[name[..<start]] { return replacement + name[start...] }
    }
    return nil
  }

  private func candidate(at prefix: String, among items: [Item]) -> Candidate {
    var assignment = [Int?](repeating: nil, count: needed.count)
    for (index, item) in items.enumerated() where item.path.hasPrefix(prefix) {
      let name = item.path.dropFirst(prefix.count)
      // The graph's own name takes precedence over a name that is renamed to it.
      if let place = places[name] {
        assignment[place] = index
      } else if let place = place(of: name), assignment[place] == nil {
        assignment[place] = index
      }
    }
    return Candidate(prefix: prefix, assignment: assignment, matches: matches(assignment, among: items))
  }

  private func matches(_ assignment: [Int?], among items: [Item]) -> Int {
    zip(needed, assignment).count { info, place in
      if let place, case .tensor(info.spec, _) = items[place].entry { true } else { false }
    }
  }

  /// The candidate with the most parameters found; if none are found, the dictionary with the most tensors.
  private func nearest(to items: [Item]) -> Candidate? {
    var votes: [Substring: Int] = [:]
    for item in items {
      for start in item.path.nameStarts(longest: longestName) where place(of: item.path[start...]) != nil {
        votes[item.path[..<start], default: 0] += 1
      }
    }
    if let most = votes.values.max() {
      let prefix = votes.keys.filter { votes[$0] == most }.min { ($0.count, $0) < ($1.count, $1) }
      return prefix.map { candidate(at: String($0), among: items) }
    }
    let sizes = Dictionary(grouping: items, by: \.dictionary).mapValues(\.count)
    guard let largest = sizes.min(by: { ($1.value, $0.key) < ($0.value, $1.key) })?.key else { return nil }
    let prefix = checkpoint.stateDictionaries[largest].keys.map { $0 + "." }.joined()
    return candidate(at: prefix, among: items)
  }

  // MARK: - Parts with different prefixes

  /// Candidates whose parts have different prefixes, such as `encoder.model.` and `decoder.`. A part is all names with
  /// the same first component. The prefix of a part contains the part's name, and all of its parameters are found under
  /// the prefix with the expected shapes.
  private func partwise(_ items: [Item]) -> [Candidate] {
    let parts = Dictionary(grouping: needed.indices) { needed[$0].name.firstComponent }
    guard parts.count > 1, !parts.keys.contains("") else { return [] }
    var found: [String: [(before: String, prefix: String)]] = [:]
    for (part, members) in parts {
      var specs: [Substring: TensorSpec] = [:]
      for member in members { specs[needed[member].name.dropFirst(part.count + 1)] = needed[member].spec }
      var votes: [Substring: Int] = [:]
      for item in items {
        guard case .tensor(let spec, _) = item.entry else { continue }
        for start in item.path.nameStarts(longest: longestName) where specs[item.path[start...]] == spec {
          votes[item.path[..<start], default: 0] += 1
        }
      }
      for (prefix, count) in votes where count == members.count {
        let components = prefix.split(separator: ".")
        for (index, component) in components.enumerated() where component == part {
          found[part, default: []].append((components[..<index].map { $0 + "." }.joined(), String(prefix)))
        }
      }
      guard found[part] != nil else { return [] }
    }
    // Prefer parts with a common prefix. Otherwise each part must have exactly one possible prefix.
    let commons =
      found.values.map { Set($0.map(\.before)) }.reduce(nil as Set<String>?) { $0?.intersection($1) ?? $1 } ?? []
    let choices: [[String: String]] =
      commons.isEmpty
      ? [found.mapValues { $0.count == 1 ? $0[0].prefix : "" }]
      : commons.sorted().compactMap { common in
        let choice = found.compactMapValues { places in
          let fitting = places.filter { $0.before == common }
          return fitting.count == 1 ? fitting[0].prefix : nil
        }
        return choice.count == parts.count ? choice : nil
      }
    return choices.filter { !$0.values.contains("") }.map { candidate(of: $0, among: items) }
  }

  private func candidate(of choice: [String: String], among items: [Item]) -> Candidate {
    let indices = Dictionary(items.enumerated().map { ($1.path, $0) }) { first, _ in first }
    let assignment = needed.map { info in
      let part = info.name.firstComponent
      return choice[part].flatMap { indices[$0 + info.name.dropFirst(part.count + 1)] }
    }
    let common = choice.values.map { $0.split(separator: ".") }.reduce(nil as [Substring]?) { common, components in
      guard let common else { return components }
      return zip(common, components).prefix { $0 == $1 }.map(\.0)
    }
    return Candidate(
      prefix: (common ?? []).map { $0 + "." }.joined(), parts: choice.map { ($1, $0 + ".") },
      assignment: assignment, matches: matches(assignment, among: items))
  }

  /// Name components that wrapper modules add, regardless of the wrapped module.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]

  /// The items without wrapper components; `nil` if there are none apart from those in the network's own names.
  private func unwrapped(_ items: [Item]) -> [Item]? {
    let own = Set(branches.flatMap { $0.split(separator: ".") })
    let wrappers = CheckpointSearch.wrappers.subtracting(own)
    var hasChanged = false
    let unwrapped = items.map { item in
      let components = item.path.split(separator: ".", omittingEmptySubsequences: false)
      let kept = components.filter { !wrappers.contains($0) }
      hasChanged = hasChanged || kept.count < components.count
      return Item(
        dictionary: item.dictionary, name: item.name, path: kept.joined(separator: "."), entry: item.entry)
    }
    return hasChanged ? unwrapped : nil
  }

  // MARK: - Mismatches

  /// The errors of a candidate, and the tensors that are ignored.
  private struct Findings {
    var missing: [String] = []
    var unused: [String] = []
    var misshapen: [ParameterError.Mismatch] = []
    var unreadable: [ParameterError.Unreadable] = []
    var leftOut: [String] = []

    var areNone: Bool { missing.isEmpty && unused.isEmpty && misshapen.isEmpty && unreadable.isEmpty }

    /// If a parameter is missing, an ignored tensor may be the missing one under another name.
    func error(_ graph: String) -> ParameterError {
      ParameterError(
        graph: graph, missing: missing, unused: missing.isEmpty ? unused : unused + leftOut, misshapen: misshapen,
        unreadable: unreadable)
    }
  }

  private func findings(on candidate: Candidate, among items: [Item], others: [Candidate]) -> Findings {
    var findings = Findings()
    for (info, place) in zip(needed, candidate.assignment) {
      switch place.map({ items[$0].entry }) {
      case nil: findings.missing.append(info.name)
      case .tensor(info.spec, _): break
      case .tensor(let spec, _):
        findings.misshapen.append(.init(name: info.name, expected: info.spec, actual: spec))
      case .unreadable(let reason), .array(let reason):
        findings.unreadable.append(.init(name: info.name, reason: reason))
      }
    }
    let assigned = Set(candidate.assignment.compactMap(\.self))
    // A dictionary without any assigned tensor is something else, such as an optimiser state or a copy.
    let concerned = Set(assigned.map { items[$0].dictionary })
    for (index, item) in items.enumerated() where !assigned.contains(index) {
      guard concerned.isEmpty || concerned.contains(item.dictionary) else { continue }
      if case .array = item.entry { continue }
      guard item.path.hasPrefix(candidate.prefix),
        !others.contains(where: {
          $0.prefix.hasPrefix(candidate.prefix) && $0.prefix.count > candidate.prefix.count
            && item.path.hasPrefix($0.prefix)
        })
      else {
        findings.leftOut.append(item.name)
        continue
      }
      let name = name(of: item, in: candidate)
      if unneeded.contains(name[...]) || mapping.isOptional(name)
        || renamed(name[...]).map({ unneeded.contains($0[...]) }) ?? false
      {
        continue
      }
      switch item.entry {
      case _ where isTrainingOnly(name, item.entry): findings.leftOut.append(item.name)
      case .unreadable(let reason):
        findings.unreadable.append(.init(name: name, reason: reason + ", or leave it out"))
      case .tensor, .array: findings.unused.append(name)
      }
    }
    findings.unused.sort()
    findings.leftOut.sort()
    return findings
  }

  /// The network's name for an item.
  private func name(of item: Item, in candidate: Candidate) -> String {
    if let (prefix, part) = candidate.parts.first(where: { item.path.hasPrefix($0.prefix) }) {
      return part + item.path.dropFirst(prefix.count)
    }
    return String(item.path.dropFirst(candidate.prefix.count))
  }

  /// Whether a tensor that the network does not have is used in training only: an integer tensor such as a counter or a
  /// generator state, or a part named as a loss, a metric or an auxiliary head.
  private func isTrainingOnly(_ name: String, _ entry: Checkpoint.Entry) -> Bool {
    if case .tensor(let spec, _) = entry, spec.elementType != .float32 { return true }
    // The first component that is not a prefix of the network's names.
    let ends = name.indices.filter { name[$0] == "." } + [name.endIndex]
    guard let end = ends.first(where: { !branches.contains(name[..<$0]) }) else { return false }
    let component = (name[..<end].split(separator: ".").last ?? "").lowercased()
    if ["class_weight", "class_weights", "pos_weight"].contains(component) { return true }
    if component.hasPrefix("loss") || component.hasSuffix("loss") || component.hasSuffix("losses") { return true }
    if ["criteri", "metric", "confmat", "auxil"].contains(where: component.contains) { return true }
    let words: Set = [
      "aux", "loss", "losses", "iou", "miou", "acc", "accuracy", "dice", "f1", "jaccard", "precision", "recall",
    ]
    return !words.isDisjoint(with: component.split(separator: "_").map(String.init))
  }
}

extension String {
  /// The positions at which a name of at most `longest` bytes may start in a path: the start of the path and after each
  /// dot.
  fileprivate func nameStarts(longest: Int) -> [String.Index] {
    let tail = utf8.suffix(longest + 1)
    let starts = tail.indices.filter { tail[$0] == UInt8(ascii: ".") }.map { utf8.index(after: $0) }
    return tail.count <= longest ? [startIndex] + starts : starts
  }

  /// The part before the first dot; empty if there is no dot.
  fileprivate var firstComponent: String { firstIndex(of: ".").map { String(self[..<$0]) } ?? "" }
}
