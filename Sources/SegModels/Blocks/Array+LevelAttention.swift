import SegEngine

extension [Value] {
  /// Fuses the maps of several levels to one map of the size of `query`: Σ_j α_j · T_j with T_j = W_j · resize(x_j). At
  /// each pixel α is the softmax over j of v · ReLU(T_j + W_q · query), the additive attention of Bahdanau, Cho and
  /// Bengio (2015) over levels.
  ///
  /// Parameters within the current scope: `proj.0`, …, `query` and `score`, all 1×1 convolutions with a bias.
  func fusedByAttention(to query: Value, width: Int) -> Value {
    let parts = enumerated().map { index, map in
      map.resize(like: query, named: "resize\(index)").conv("proj.\(index)", width, kernel: 1)
    }
    let wanted = query.conv("query", width, kernel: 1)
    // All levels share the parameters of `score`.
    let scores = parts.map { ($0 + wanted).relu().conv("score", 1, kernel: 1) }
    let alpha = scores.concatenated(named: "scores").softmax(named: "alpha")
    let weighted = parts.enumerated().map { index, part in
      part * alpha.slice(axis: 3, from: index, to: index + 1, named: "alpha.\(index)")
    }
    return weighted.dropFirst().reduce(weighted[0], +)
  }
}
