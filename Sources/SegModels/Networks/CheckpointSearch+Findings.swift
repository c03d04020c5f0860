import SegEngine

extension CheckpointSearch {
  /// The errors of a candidate, and the tensors that are ignored.
  struct Findings {
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

  /// Compares a candidate with the network. Tensors under the longer prefixes of `others` are not those of the
  /// candidate.
  func findings(on candidate: Candidate, among items: [Item], others: [Candidate]) -> Findings {
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
