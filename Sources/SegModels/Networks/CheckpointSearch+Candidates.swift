import SegEngine

extension CheckpointSearch {
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
  func candidates(among items: [Item]) -> [Candidate] {
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
  func renamed(_ name: Substring) -> String? {
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
  func nearest(to items: [Item]) -> Candidate? {
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
  func unwrapped(_ items: [Item]) -> [Item]? {
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
