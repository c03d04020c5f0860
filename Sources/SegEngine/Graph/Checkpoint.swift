/// What a weights file holds: the dictionaries of tensors in it, each with the keys under which it lies.
///
/// Nothing is read before it is asked for, so that optimiser states and copies of the weights that nobody wants cost nothing.
public struct Checkpoint: Sendable {
  /// A tensor by name.
  public enum Entry: Sendable {
    /// A tensor of this shape and element type. `read` returns its elements and throws where the file is damaged.
    case tensor(TensorSpec, read: @Sendable () throws -> Tensor)
    /// A tensor of a kind that is not read. The text says which and how to save it so that it is, as the rest of a sentence
    /// that begins with the name.
    case unreadable(String)
    /// No tensor, but an array of another library, which could be meant for one. The text is as for ``unreadable(_:)``.
    case array(String)
  }

  /// Tensors by name.
  public struct StateDictionary: Sendable {
    /// The keys that lead to it, outermost first; none where it is the file's own object.
    public let keys: [String]
    /// The tensors, under the names of the file.
    public let entries: [String: Entry]

    /// Describes a dictionary.
    public init(keys: [String], entries: [String: Entry]) {
      self.keys = keys
      self.entries = entries
    }
  }

  /// All dictionaries that hold tensors, outer ones first.
  public let stateDictionaries: [StateDictionary]

  /// Describes what a file holds.
  public init(_ stateDictionaries: [StateDictionary]) { self.stateDictionaries = stateDictionaries }

  /// A checkpoint of parameters that are in memory, under no key.
  public init(_ parameters: Parameters) {
    self.init([
      StateDictionary(
        keys: [], entries: parameters.tensors.mapValues { tensor in .tensor(tensor.spec, read: { tensor }) })
    ])
  }
}
