import SegEngine

/// How far a result may be from what is expected: |actual − expected| ≤ absolute + relative · |expected|.
public struct Tolerance: Sendable, CustomStringConvertible {
  /// Whatever the size of the number.
  public var absolute: Double
  /// In proportion to it.
  public var relative: Double

  /// States a tolerance.
  public init(absolute: Double = 0, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
  }

  /// The same number, or both NaN.
  public static let exact = Tolerance()

  public var description: String { "\(absolute) + \(relative) · |expected|" }
}

/// What is wrong with a result, or `nil` where it is as expected: shape, and every element within the tolerance. NaN is expected
/// where the definition gives NaN, and infinity where it is beyond float32.
public func mismatch(_ actual: Tensor, _ expected: NaiveTensor, _ tolerance: Tolerance) -> String? {
  guard actual.shape.dimensions == expected.shape else {
    return "the shape is \(actual.shape), expected \(Shape(expected.shape))"
  }
  let values = NaiveTensor(actual).values
  let isFloat = actual.elementType == .float32
  var wrong = 0
  var worst: (index: Int, difference: Double)?
  for (index, value) in values.enumerated() {
    let wanted = expected.values[index]
    if value.isNaN && wanted.isNaN || value == wanted { continue }
    if isFloat && value == Double(Float(wanted)) { continue }
    let difference = abs(value - wanted)
    if difference <= tolerance.absolute + tolerance.relative * abs(wanted) { continue }
    wrong += 1
    if worst == nil || difference > worst!.difference || difference.isNaN { worst = (index, difference) }
  }
  guard let worst else { return nil }
  return "\(wrong) of \(values.count) elements of \(actual) are off; element \(worst.index) is \(values[worst.index]), "
    + "expected \(expected.values[worst.index]) within \(tolerance)"
}

/// The largest |actual − expected|, and the largest in proportion to |expected|.
public func largestDifference(_ actual: Tensor, _ expected: NaiveTensor) -> (absolute: Double, relative: Double) {
  var result = (absolute: 0.0, relative: 0.0)
  for (value, wanted) in zip(NaiveTensor(actual).values, expected.values) where value != wanted {
    result.absolute = max(result.absolute, abs(value - wanted))
    result.relative = max(result.relative, abs(value - wanted) / abs(wanted))
  }
  return result
}

/// The backends that every operator is tested on: OpenBLAS with the kernels of each instruction set that the machine has, and the
/// reference, each on one thread and on three. The pools are new ones, so that tests that run side by side do not share them.
public func everyBackend() -> [(name: String, backend: any Backend)] {
  var result: [(String, any Backend)] = []
  for threads in [1, 3] {
    for set in VectorKernels.instructionSets where OpenBLASBackend.supports(instructionSet: set) {
      let backend = OpenBLASBackend(workers: WorkerPool(threads: threads), instructionSet: set)
      result.append(("OpenBLAS \(set), \(threads) threads", backend))
    }
    result.append(("reference, \(threads) threads", ReferenceBackend(workers: WorkerPool(threads: threads))))
  }
  return result
}

/// Runs an operator on every backend, with adjoining rows and with rows apart, with weights known beforehand and not, and over
/// each input that it may overwrite, and tells what disagrees with the expected outputs.
public func disagreements(
  of operator: some Operator, _ inputs: [Tensor], constants: Set<Int> = [], with expected: [NaiveTensor],
  _ tolerance: Tolerance, on backends: [(name: String, backend: any Backend)]
) -> [String] {
  var problems: [String] = []
  func check(_ name: String, _ runner: OperatorRunner, _ constants: Set<Int>) {
    do {
      let outputs = try runner.run(`operator`, inputs, constants: constants)
      guard outputs.count == expected.count else {
        problems.append("\(name): \(outputs.count) outputs, expected \(expected.count)")
        return
      }
      for (index, output) in outputs.enumerated() {
        if let problem = mismatch(output, expected[index], tolerance) {
          problems.append("\(Trace.description) [\(name)] output \(index): \(problem)")
        }
      }
    } catch {
      problems.append("\(Trace.description) [\(name)]: \(error)")
    }
  }
  for (name, backend) in backends {
    check(name, OperatorRunner(backend), constants)
    check(name + ", rows apart", OperatorRunner(backend, isStrided: true), constants)
    if !constants.isEmpty { check(name + ", nothing constant", OperatorRunner(backend), []) }
    for input in `operator`.overwritableInputs(of: inputs.count) where input < inputs.count {
      check(name + ", over input \(input)", OperatorRunner(backend, overwriting: input), constants)
    }
  }
  return problems
}

/// The message of the error that the shape rule throws for inputs of these shapes, or `nil` where it takes them.
public func shapeError(_ operator: some Operator, _ inputs: [Shape]) -> String? {
  shapeError(`operator`, inputs.map { TensorSpec($0) })
}

/// The message of the error that the shape rule throws for these inputs, or `nil` where it takes them.
public func shapeError(_ operator: some Operator, _ inputs: [TensorSpec]) -> String? {
  do {
    _ = try `operator`.outputs(for: inputs)
    return nil
  } catch {
    return "\(error)"
  }
}
