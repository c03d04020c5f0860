/// What a graph is compiled for and run on: a backend, and the vector kernels that go with it.
package struct ComputeDevice: Sendable {
  /// The matrix products.
  package let backend: any Backend
  /// The instruction set of the vector kernels: the one that the backend names (``KernelProviding``), else the widest of the machine.
  package let instructionSet: String
  /// The vector kernels for float32.
  package let kernels: any Kernels

  /// Looks up the kernels of a backend.
  package init(_ backend: any Backend) {
    self.backend = backend
    instructionSet = (backend as? any KernelProviding)?.instructionSet ?? VectorKernels.widest.instructionSet
    guard let kernels = KernelTable.standard[.panelProduct, .float32, instructionSet] else {
      preconditionFailure("there are no float32 kernels for \(instructionSet)")
    }
    self.kernels = kernels
  }

  /// The threads over which operators split their work.
  package var workers: WorkerPool { backend.workers }

  /// The kernels for an operation on numbers of a format; `nil` where there are none. For preparing, not for running.
  package func kernels(for operation: KernelTable.Operation, in elementType: ElementType) -> (any Kernels)? {
    KernelTable.standard[operation, elementType, instructionSet]
  }
}
