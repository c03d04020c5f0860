/// The variables of a graph by name: tensors that runs read and update, such as cached frames, running statistics or weights that are
/// trained.
///
/// A run that updates variables has exclusive access to them (`inout`). Runs at once on several threads have variables of their own.
public struct Variables: Sendable, Equatable {
  /// Tensors by name.
  public var tensors: [String: Tensor]

  /// Makes a set of variables.
  public init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  /// The tensor of a name.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }
}

extension Graph {
  /// A tensor that is kept between runs.
  public struct VariableInfo: Sendable {
    /// The name under which callers give it.
    public let name: String
    /// Its value in a run, until the run ends.
    public let value: ValueID
    /// What it is before the first run.
    public let initial: Tensor
    /// What it is after a run; `nil` where runs leave it as it is.
    public internal(set) var update: ValueID?
  }

  /// The variables as they are before the first run.
  public var initialVariables: Variables {
    Variables(Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.initial) }))
  }
}

extension GraphBuilder {
  /// A tensor that is kept between runs: every operator of a run reads what it was when the run began.
  ///
  /// Its shape does not depend on the shapes of the inputs. Callers give it to ``CompiledModel/run(_:updating:)``.
  public func variable(
    _ name: String, initially tensor: Tensor, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    addVariable(name, tensor, location(file, line))
  }

  /// States what a variable is after each run. It may be stated once for each variable.
  ///
  /// - Precondition: `variable` is a variable of this graph.
  public func update(
    _ variable: Value, to value: Value, file: StaticString = #fileID, line: UInt = #line
  ) {
    setUpdate(variable, value, location(file, line))
  }
}
