/// A rewrite of a graph whose weights are bound. The graph computes the same after it.
///
/// A rewrite asks operators for capabilities (`Capabilities.swift`) and never for their types, so that an operator from outside takes
/// part like any other.
package protocol GraphRewrite: Sendable {
  /// Rewrites the graph.
  func apply(to editor: inout GraphEditor)
}

/// A rewrite that looks at one node after the other, in the order in which they run.
package protocol NodeRewrite: GraphRewrite {
  /// Rewrites the graph around a node, or leaves it as it is.
  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor)
}

extension NodeRewrite {
  package func apply(to editor: inout GraphEditor) {
    for node in editor.nodes where editor.contains(node) { rewrite(node, in: &editor) }
  }
}

/// A rewrite that joins a node with the node that computes its one operand, where nothing else reads that.
package protocol PairRewrite: NodeRewrite {
  /// Joins the two, or leaves them as they are. Both have one output; all other operands of `consumer` are constants.
  func join(_ consumer: Graph.NodeID, with producer: Graph.NodeID, in editor: inout GraphEditor)
}

extension PairRewrite {
  package func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    let computed = editor[node].inputs.filter { editor.constant($0) == nil }
    guard computed.count == 1, let producer = editor.soleProducer(of: computed[0]),
      editor[producer].outputs.count == 1, editor[node].outputs.count == 1
    else { return }
    join(node, with: producer, in: &editor)
  }
}

/// Removes the nodes of which no output is used.
struct RemoveUnusedNodes: GraphRewrite {
  func apply(to editor: inout GraphEditor) { editor.removeUnusedNodes() }
}
