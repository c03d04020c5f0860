/// The weights of a network by name, as in a checkpoint.
///
/// Names and layouts are the checkpoint's own: convolution weights `[out, in / groups, kernelHeight, kernelWidth]`, transposed
/// convolution weights `[in, out / groups, kernelHeight, kernelWidth]`, linear weights `[out, in]`. Operators pack them once,
/// when a graph is compiled.
public struct Parameters: Sendable {
  /// Tensors by name.
  public var tensors: [String: Tensor]

  /// Makes a set of parameters.
  public init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  /// The tensor with a name.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  /// All names, sorted.
  public var names: [String] { tensors.keys.sorted() }

  /// The total number of elements.
  public var valueCount: Int { tensors.values.reduce(0) { $0 + $1.count } }
}
