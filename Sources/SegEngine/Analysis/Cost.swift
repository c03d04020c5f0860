/// The cost of one run of an operator, from its closed formula.
///
/// Conventions: a multiply–add is one MAC and two FLOPs. MACs are the multiplications of convolutions, linear layers,
/// matrix products and attention, without bias, as the definition states them (padding included, without the savings of
/// any algorithm). Everything else (bias, normalisation, activation, pooling, resizing) counts as other operations: one
/// per arithmetic operation, comparison or elementary function. Bytes are the compulsory traffic: each input, parameter
/// and output once.
public struct Cost: Hashable, Sendable {
  /// Multiply–adds.
  public var macs: Int
  /// Operations outside multiply–adds.
  public var otherOperations: Int
  /// Learned values and the statistics of normalisations.
  public var parameters: Int
  /// Bytes read: inputs and parameters.
  public var bytesRead: Int
  /// Bytes written: outputs.
  public var bytesWritten: Int

  /// Creates a cost.
  public init(macs: Int = 0, otherOperations: Int = 0, parameters: Int = 0, bytesRead: Int = 0, bytesWritten: Int = 0) {
    self.macs = macs
    self.otherOperations = otherOperations
    self.parameters = parameters
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
  }

  /// The cost of reading every input and writing every output once, with the given arithmetic.
  public init(
    macs: Int = 0, otherOperations: Int = 0, parameters: Int = 0, reading inputs: [TensorSpec],
    writing outputs: [TensorSpec]
  ) {
    self.init(
      macs: macs, otherOperations: otherOperations, parameters: parameters,
      bytesRead: inputs.reduce(0) { $0 + $1.byteCount }, bytesWritten: outputs.reduce(0) { $0 + $1.byteCount })
  }

  /// 2 · MACs + other operations.
  public var flops: Int { 2 * macs + otherOperations }

  /// FLOPs per byte.
  public var arithmeticIntensity: Double { Double(flops) / Double(max(1, bytesRead + bytesWritten)) }

  /// The sum of two costs.
  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(
      macs: a.macs + b.macs, otherOperations: a.otherOperations + b.otherOperations,
      parameters: a.parameters + b.parameters, bytesRead: a.bytesRead + b.bytesRead,
      bytesWritten: a.bytesWritten + b.bytesWritten)
  }
}
