/// The weights of a network by name, as a checkpoint holds them.
///
/// Names and layouts are the checkpoint's own: convolution weights `[out, in / groups, kernelHeight, kernelWidth]`, transposed
/// convolution weights `[in, out / groups, kernelHeight, kernelWidth]`, linear weights `[out, in]`. Operators repack them once,
/// when a graph is compiled.
public struct Parameters: Sendable {
  /// Tensors by name.
  public var tensors: [String: Tensor]

  /// Makes a set of parameters.
  public init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  /// The tensor of a name.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  /// All names, sorted.
  public var names: [String] { tensors.keys.sorted() }

  /// Number of values over all tensors.
  public var valueCount: Int { tensors.values.reduce(0) { $0 + $1.count } }
}
