import SegEngine
import SegFiles

extension Parameters {
  /// The usual keys of the weights in a checkpoint. The other parts of such a checkpoint are training states.
  private static let commonKeys: Set = [
    "state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights", "params", "network_weights",
    "module", "model_dict", "net_state_dict",
  ]

  /// Reads the tensors of a weights file under the file's own names. The file is safetensors, a NumPy archive or a PyTorch checkpoint; it
  /// is recognised by its contents, not by its name.
  ///
  /// `Checkpoint` gives more details of a file's contents. `SegmentationNetwork.parameters(from:for:key:head:)` finds a network's weights
  /// in it, whatever prefix their names have.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - key: The keys that lead to the dictionary of tensors in a PyTorch checkpoint, joined by dots. By default it is the only
  ///     dictionary, or the one under a common key such as `state_dict`.
  /// - Throws: ``WeightsError`` if the file cannot be read, is damaged, has no dictionary of tensors or several, or contains a tensor of
  ///   an unsupported kind.
  public init(contentsOf path: String, key: String? = nil) throws(WeightsError) {
    try self.init(try Checkpoint(contentsOf: path), named: path, key: key)
  }

  init(_ file: FileBytes, named path: String) throws(WeightsError) {
    try self.init(try Checkpoint(file, named: path), named: path, key: nil)
  }

  private init(_ checkpoint: Checkpoint, named path: String, key: String?) throws(WeightsError) {
    let dictionary = try Parameters.dictionary(of: checkpoint, named: path, key: key)
    var tensors: [String: Tensor] = [:]
    for (name, entry) in dictionary.entries.sorted(by: { $0.key < $1.key }) {
      switch entry {
      case .array: break
      case .unreadable(let words):
        throw WeightsError(path, .unsupported(format: "weights", reason: "\(name) \(words)"))
      case .tensor(_, let read):
        do {
          tensors[name] = try read()
        } catch let error as WeightsError {
          throw error
        } catch {
          throw WeightsError(path, .malformed(format: "weights", reason: "\(error)"))
        }
      }
    }
    self.init(tensors)
  }

  private static func dictionary(
    of checkpoint: Checkpoint, named path: String, key: String?
  ) throws(WeightsError) -> Checkpoint.StateDictionary {
    let all = checkpoint.stateDictionaries.filter { dictionary in
      dictionary.entries.values.contains { if case .array = $0 { false } else { true } }
    }
    func names(_ dictionaries: [Checkpoint.StateDictionary]) -> [String] {
      dictionaries.map { $0.keys.isEmpty ? "." : $0.keys.joined(separator: ".") }
    }
    if let key {
      guard let dictionary = all.first(where: { $0.keys.joined(separator: ".") == key }) else {
        throw WeightsError(path, .noStateDictionary(keys: names(all)))
      }
      return dictionary
    }
    if let root = all.first, root.keys.isEmpty, !all.contains(where: isCommon) { return root }
    let candidates = all.contains(where: isCommon) ? all.filter(isCommon) : all
    guard candidates.count <= 1 else {
      throw WeightsError(path, .severalStateDictionaries(keys: names(candidates)))
    }
    guard let dictionary = candidates.first else { throw WeightsError(path, .noStateDictionary(keys: [])) }
    return dictionary
  }

  private static func isCommon(_ dictionary: Checkpoint.StateDictionary) -> Bool {
    !dictionary.keys.isEmpty && dictionary.keys.allSatisfy(commonKeys.contains)
  }

  /// Writes a weights file in the format of the path's ending: `.safetensors` or `.npz`.
  ///
  /// A file at `path` is replaced atomically; on failure it stays as it was.
  ///
  /// - Throws: ``WeightsError`` if the ending is neither of these or the file cannot be written.
  public func write(to path: String) throws(WeightsError) {
    if path.lowercased().hasSuffix(".safetensors") {
      try Safetensors(tensors).write(to: path)
    } else if path.lowercased().hasSuffix(".npz") {
      try NPZ(tensors).write(to: path)
    } else {
      throw WeightsError(path, .unknownEnding)
    }
  }
}
