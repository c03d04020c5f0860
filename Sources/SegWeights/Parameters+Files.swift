import SegEngine
import SegFiles

extension Parameters {
  /// Where a checkpoint keeps its weights where it says no more; the parts beside are states of a training.
  private static let commonKeys: Set = [
    "state_dict", "model_state_dict", "model_state", "model", "network", "net", "weights", "params", "network_weights",
    "module", "model_dict", "net_state_dict",
  ]

  /// Reads the tensors of a weights file under the names that it gives them: a safetensors file, a NumPy archive or a PyTorch
  /// checkpoint, told apart by its contents and not by its name.
  ///
  /// `Checkpoint` says more of what a file holds, and `SegmentationNetwork.parameters(from:for:key:head:)` finds a network's
  /// weights in it, whatever stands before their names.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - key: The keys of the dictionary of tensors in a PyTorch checkpoint, joined by dots. By default it is the only one, or the
  ///     one under a common key such as `state_dict`.
  /// - Throws: ``WeightsError`` where the file cannot be read, is damaged, holds no dictionary of tensors or several, or a tensor
  ///   of a kind that is not read.
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

  /// Writes a weights file in the format that the path's ending names: `.safetensors` or `.npz`.
  ///
  /// A file at `path` is replaced in one step; where anything fails it stays as it was.
  ///
  /// - Throws: ``WeightsError`` where the ending is another or the file cannot be written.
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
