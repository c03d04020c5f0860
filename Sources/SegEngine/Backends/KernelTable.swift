/// The available kernels, by operation, number format and instruction set.
///
/// All kernels compute on float32. An operator of another number format looks up its kernels when it is prepared, and gets `nil` if there
/// are none.
package struct KernelTable: Sendable {
  /// The operation of a kernel.
  package enum Operation: String, CaseIterable, Sendable {
    case panelProduct, strassenProduct, winograd, depthwise, elementwise, normalization, pooling, patches
    case interpolation, transposition, reduction, softmax, argmax
  }

  private struct Key: Hashable {
    let operation: Operation
    let elementType: ElementType
    let instructionSet: String
  }

  private var entries: [Key: any Kernels] = [:]

  /// The kernels that this machine can run.
  package static let standard: KernelTable = {
    var table = KernelTable()
    for name in VectorKernels.instructionSets {
      if let kernels = VectorKernels(instructionSet: name) { table.add(kernels, for: .float32, on: name) }
    }
    table.add(ReferenceKernels(), for: .float32, on: ReferenceKernels.instructionSet)
    return table
  }()

  /// Adds kernels for all operations on a number format.
  private mutating func add(_ kernels: any Kernels, for elementType: ElementType, on instructionSet: String) {
    for operation in Operation.allCases {
      entries[Key(operation: operation, elementType: elementType, instructionSet: instructionSet)] = kernels
    }
  }

  /// The kernels for an operation on numbers of a format; `nil` where there are none.
  package subscript(_ operation: Operation, _ elementType: ElementType, _ instructionSet: String) -> (any Kernels)? {
    entries[Key(operation: operation, elementType: elementType, instructionSet: instructionSet)]
  }
}
