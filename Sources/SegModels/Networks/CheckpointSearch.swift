import SegEngine

/// Finds a network's weights in a checkpoint by the network's own names.
///
/// Keys of dictionaries and names in them are joined to one path for each tensor, so that `{"state_dict": {"model.conv.weight": …}}`
/// and `{"model": {"conv": {"weight": …}}}` are alike: the weights lie under a prefix. Every way of cutting a path in two, of which
/// the second half is a name of the network, votes for its first half; a prefix under which all names are found in their
/// shapes is a candidate.
struct CheckpointSearch {
  /// A tensor of the checkpoint.
  struct Item {
    /// The dictionary it lies in.
    let dictionary: Int
    /// Its name there.
    let name: String
    /// The keys of the dictionary and the name, joined by dots.
    let path: String
    let entry: Checkpoint.Entry
  }

  private let checkpoint: Checkpoint
  private let graph: Graph
  private let mapping: CheckpointMapping
  private let head: CheckpointMapping.Head
  /// What has to be found.
  private let needed: [Graph.ParameterInfo]
  private let places: [Substring: Int]
  /// What stands in the place of a beginning of names.
  private let renames: [Substring: String]
  /// Length of the longest name that may be one of the network's, in bytes.
  private let longestName: Int
  /// Names that the graph knows and does without.
  private let unneeded: Set<Substring>
  /// Components of the network's names, each with all before it.
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

  // MARK: - The weights

  /// Reads the weights of the one candidate that fits.
  func loaded(key: String?) throws -> LoadedParameters {
    var items = checkpoint.stateDictionaries.enumerated().flatMap { index, dictionary in
      dictionary.entries.map { name, entry in
        Item(dictionary: index, name: name, path: (dictionary.keys + [name]).joined(separator: "."), entry: entry)
      }
    }
    // A name that long is no module's, and cutting it at every dot takes the square of its length.
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

  /// Throws unless all candidates have the same numbers.
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

  /// The tensors under a key: in the dictionary of those keys, else those whose path begins with it, else those whose path holds
  /// it.
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

  /// The shortest keys that tell candidates apart.
  private func labels(of candidates: [Candidate], among items: [Item]) -> [String] {
    let keys = candidates.map { candidate in
      let place = candidate.assignment.lazy.compactMap(\.self).first
      return place.map { checkpoint.stateDictionaries[items[$0].dictionary].keys.joined(separator: ".") } ?? ""
    }
    let labels = Set(keys).count == keys.count ? keys : candidates.map { String($0.prefix.dropLast()) }
    return labels.map { $0.isEmpty ? "." : $0 }
  }

  // MARK: - Candidates

  /// Where the network's weights may lie.
  struct Candidate {
    /// What stands before all names, with its dot.
    let prefix: String
    /// What stands before the names of each part, and the part's own beginning, where they differ from part to part.
    var parts: [(prefix: String, part: String)] = []
    /// The item for each name that is needed.
    let assignment: [Int?]
    /// How many of them are found in their shapes.
    let matches: Int
  }

  /// All places at which every name is found in its shape.
  private func candidates(among items: [Item]) -> [Candidate] {
    var candidates: [Candidate] = []
    for (prefix, votes) in votes(of: items) where votes >= needed.count {
      let candidate = candidate(at: prefix, among: items)
      // A rename may make one set of weights fit under two prefixes.
      if candidate.matches == needed.count, !candidates.contains(where: { $0.assignment == candidate.assignment }) {
        candidates.append(candidate)
      }
    }
    return candidates.isEmpty ? partwise(items) : candidates
  }

  /// The prefixes for which names vote that are found in their shapes, shorter ones first.
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

  /// A name under its other beginning, or `nil` where no rule fits.
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
      // The graph's own name goes before another that becomes it.
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

  /// The place at which most names are found, or, where none is, that of the dictionary with most tensors.
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

  // MARK: - Parts with prefixes of their own

  /// Candidates whose parts, told by the first component of the network's names, stand under different prefixes: `encoder.model.`
  /// beside `decoder.`. A part's prefix holds the part's name, and all of its names are found under it in their shapes.
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
    // Parts that stand under a common prefix belong together; else each part must stand at one place alone.
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

  /// Components that wrappers of modules put into names, whatever they wrap.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]

  /// The items without the components of wrappers, where there are any that the network's own names have not.
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

  // MARK: - What does not fit

  /// What is wrong with a candidate, and what is left out of it.
  private struct Findings {
    var missing: [String] = []
    var unused: [String] = []
    var misshapen: [ParameterError.Mismatch] = []
    var unreadable: [ParameterError.Unreadable] = []
    var leftOut: [String] = []

    var areNone: Bool { missing.isEmpty && unused.isEmpty && misshapen.isEmpty && unreadable.isEmpty }

    /// Where something is missing, what was left out may be what it should have been.
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
    // A dictionary that no weight is from is something else: an optimiser's state, a copy.
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
      case _ where makesNoDifference(name, item.entry): findings.leftOut.append(item.name)
      case .unreadable(let reason):
        findings.unreadable.append(.init(name: name, reason: reason + ", or leave it out"))
      case .tensor, .array: findings.unused.append(name)
      }
    }
    findings.unused.sort()
    findings.leftOut.sort()
    return findings
  }

  /// The name that an item would have in the network.
  private func name(of item: Item, in candidate: Candidate) -> String {
    if let (prefix, part) = candidate.parts.first(where: { item.path.hasPrefix($0.prefix) }) {
      return part + item.path.dropFirst(prefix.count)
    }
    return String(item.path.dropFirst(candidate.prefix.count))
  }

  /// Whether a tensor that the network does not have belongs to training alone: whole numbers such as counters and the states of
  /// generators, or a part that is called a loss, a metric or an auxiliary head.
  private func makesNoDifference(_ name: String, _ entry: Checkpoint.Entry) -> Bool {
    if case .tensor(let spec, _) = entry, spec.elementType != .float32 { return true }
    // The first component with which the name leaves those of the network.
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
  /// Where a name of at most so many bytes may begin in a path: at its start and behind each dot.
  fileprivate func nameStarts(longest: Int) -> [String.Index] {
    let tail = utf8.suffix(longest + 1)
    let starts = tail.indices.filter { tail[$0] == UInt8(ascii: ".") }.map { utf8.index(after: $0) }
    return tail.count <= longest ? [startIndex] + starts : starts
  }

  /// What stands before the first dot; nothing where there is none.
  fileprivate var firstComponent: String { firstIndex(of: ".").map { String(self[..<$0]) } ?? "" }
}
