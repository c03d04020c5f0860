/// Lets the operator that computes one term of a sum add the other, so that a residual block's sum is made while its output is in cache.
///
/// The operator moves to the sum's place, where the other term is known. Terms that broadcast stay as they are.
struct FuseResidual: NodeRewrite {
  func rewrite(_ sum: Graph.NodeID, in editor: inout GraphEditor) {
    guard let (a, b) = editor.operands(of: sum, .add), editor.spec(of: a) == editor.spec(of: b), a != b else { return }
    // The later term first: its operands are known last anyway.
    for (term, other) in isLater(b, than: a, editor) ? [(b, a), (a, b)] : [(a, b), (b, a)] {
      guard let producer = editor.soleProducer(of: term),
        let merged = (editor[producer].operator as? any ResidualAbsorbing)?.absorbingResidual()
      else { continue }
      editor.replace(sum, by: merged, on: editor[producer].inputs + [other], namedLike: producer)
      return
    }
  }

  private func isLater(_ a: Graph.ValueID, than b: Graph.ValueID, _ editor: GraphEditor) -> Bool {
    guard let a = editor.producer(of: a) else { return false }
    guard let b = editor.producer(of: b) else { return true }
    return editor.isBefore(b, a)
  }
}
