/// The contents of a weights file: its dictionaries of tensors, each with the keys that lead to it.
///
/// Tensors are read only when they are used, so unused ones such as optimiser states and copies of weights cost nothing.
public struct Checkpoint: Sendable {
  /// A named entry of a dictionary.
  public enum Entry: Sendable {
    /// A tensor of this shape and element type. `read` returns its elements and throws where the file is damaged.
    case tensor(TensorSpec, read: @Sendable () throws -> Tensor)
    /// A tensor of an unsupported kind. The text names the kind and how to save it instead. It continues a sentence that begins with the
    /// name.
    case unreadable(String)
    /// An array of another library that may be meant as a tensor. The text is as for ``unreadable(_:)``.
    case array(String)
  }

  /// Tensors by name.
  public struct StateDictionary: Sendable {
    /// The keys that lead to the dictionary, outermost first; empty for the file's top-level object.
    public let keys: [String]
    /// The entries, by the names in the file.
    public let entries: [String: Entry]

    /// Makes a dictionary.
    public init(keys: [String], entries: [String: Entry]) {
      self.keys = keys
      self.entries = entries
    }
  }

  /// All dictionaries that hold tensors, outer ones first.
  public let stateDictionaries: [StateDictionary]

  /// Makes a checkpoint from dictionaries.
  public init(_ stateDictionaries: [StateDictionary]) { self.stateDictionaries = stateDictionaries }

  /// Makes a checkpoint of parameters in memory, with no keys.
  public init(_ parameters: Parameters) {
    self.init([
      StateDictionary(
        keys: [], entries: parameters.tensors.mapValues { tensor in .tensor(tensor.spec, read: { tensor }) })
    ])
  }
}
