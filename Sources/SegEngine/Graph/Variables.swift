/// The variables of a graph by name: tensors that runs read and update, such as cached frames, running statistics or trained weights.
///
/// A run that updates variables has exclusive access to them (`inout`). Concurrent runs need separate variables.
public struct Variables: Sendable, Equatable {
  /// Tensors by name.
  public var tensors: [String: Tensor]

  /// Makes a set of variables.
  public init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  /// The tensor with a name.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }
}

extension Graph {
  /// A variable: a tensor that is kept between runs.
  public struct VariableInfo: Sendable {
    /// The name that callers use.
    public let name: String
    /// The value at the beginning of a run.
    public let value: ValueID
    /// Shape and type.
    public let spec: TensorSpec
    /// The tensor before the first run; `nil` where the caller provides it, such as weights in training.
    public let initial: Tensor?
    /// The value after a run; `nil` if runs do not change the variable.
    public internal(set) var update: ValueID?
  }

  /// The variables before the first run, without those that the caller provides.
  public var initialVariables: Variables {
    Variables(
      Dictionary(uniqueKeysWithValues: variables.compactMap { info in info.initial.map { (info.name, $0) } }))
  }
}

extension GraphBuilder {
  /// Adds a variable: a tensor that is kept between runs. All operators of a run read its value at the beginning of the run.
  ///
  /// Its shape does not depend on the shapes of the inputs. Callers pass it to ``CompiledModel/run(_:updating:)``.
  public func variable(
    _ name: String, initially tensor: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    addVariable(name, tensor.spec, tensor, location(file, line))
  }

  /// Adds a variable of a shape and type whose tensor the caller provides before the first run.
  package func variable(
    _ name: String, _ spec: TensorSpec, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    addVariable(name, spec, nil, location(file, line))
  }

  /// Sets the value of a variable after each run. It may be set once per variable.
  ///
  /// - Precondition: `variable` is a variable of this graph.
  public func update(
    _ variable: Value, to value: Value, file: StaticString = #fileID, line: UInt = #line
  ) {
    setUpdate(variable, value, location(file, line))
  }
}
