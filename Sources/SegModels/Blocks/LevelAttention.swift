import SegEngine

extension [Value] {
  /// The maps of several levels as one of the size of `query`: Σ_j α_j · T_j with T_j = W_j · resize(x_j) and at each pixel
  /// α = softmax over j of v · ReLU(T_j + W_q · query), the additive attention of Bahdanau, Cho and Bengio (2015) over levels.
  ///
  /// Parameters: `proj.0`, …, `query` and `score` within the current scope, all 1×1 convolutions with a bias.
  func fusedByAttention(to query: Value, width: Int) -> Value {
    let parts = enumerated().map { index, map in
      map.resize(like: query, named: "resize\(index)").conv("proj.\(index)", width, kernel: 1)
    }
    let wanted = query.conv("query", width, kernel: 1)
    // One scoring for all levels: each use names the same parameters.
    let scores = parts.map { ($0 + wanted).relu().conv("score", 1, kernel: 1) }
    let alpha = scores.concatenated(named: "scores").softmax(named: "alpha")
    let weighted = parts.enumerated().map { index, part in
      part * alpha.slice(axis: 3, from: index, to: index + 1, named: "alpha.\(index)")
    }
    return weighted.dropFirst().reduce(weighted[0], +)
  }
}
