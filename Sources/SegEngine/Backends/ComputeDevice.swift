/// A backend with the vector kernels that go with it.
package struct ComputeDevice: Sendable {
  /// The backend: matrix products and threads.
  package let backend: any Backend
  /// The instruction set of the vector kernels: the backend's (``KernelProviding``), or else the machine's widest.
  package let instructionSet: String
  /// The vector kernels for float32.
  package let kernels: any Kernels

  /// Makes a device with the kernels of a backend.
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

  /// Returns the kernels for an operation on a number format, or `nil` if there are none. It is for preparing, not for running.
  package func kernels(for operation: KernelTable.Operation, in elementType: ElementType) -> (any Kernels)? {
    KernelTable.standard[operation, elementType, instructionSet]
  }
}
