/// Removes a quantisation of numbers that are multiples of its step already: those of a quantisation with the same step, of which operators
/// have selected some since. Exporters quantise again behind each pooling, resizing and concatenation.
struct RemoveRepeatedQuantization: NodeRewrite {
  /// The operators that are looked through, at most.
  private static let depth = 32

  func rewrite(_ node: Graph.NodeID, in editor: inout GraphEditor) {
    guard editor[node].inputs.count == 1, editor[node].outputs.count == 1,
      case .quantize(let step, let low, let high)? = (editor[node].operator as? any Pointwise)?.function,
      RemoveRepeatedQuantization.isQuantized(editor[node].inputs[0], step, low, high, depth: Self.depth, in: editor)
    else { return }
    editor.redirect(editor[node].outputs[0], to: editor[node].inputs[0])
  }

  /// Returns whether all numbers of a value are multiples of a step between two bounds.
  private static func isQuantized(
    _ value: Graph.ValueID, _ step: Float, _ low: Float, _ high: Float, depth: Int, in editor: GraphEditor
  ) -> Bool {
    guard depth > 0, let producer = editor.producer(of: value) else { return false }
    if let function = (editor[producer].operator as? any Pointwise)?.function {
      if case .quantize(let other, let least, let largest) = function {
        return other == step && least >= low && largest <= high
      }
      return function == .relu && low <= 0 && high >= 0
        && isQuantized(editor[producer].inputs[0], step, low, high, depth: depth - 1, in: editor)
    }
    guard let selecting = editor[producer].operator as? any ElementSelecting else { return false }
    let sources = selecting.selectedInputs(
      inputs: editor.inputSpecs(of: producer), outputs: editor.outputSpecs(of: producer))
    return !sources.isEmpty
      && sources.allSatisfy {
        isQuantized(editor[producer].inputs[$0], step, low, high, depth: depth - 1, in: editor)
      }
  }
}
