/// A backend that says which vector kernels run beside its products.
package protocol KernelProviding {
  /// The kernels.
  var kernels: any Kernels { get }
}

/// What a graph is compiled for and run on: a backend, and the vector kernels that go with it.
package struct ComputeDevice: Sendable {
  /// The matrix products.
  package let backend: any Backend
  /// The vector kernels: those that the backend names (``KernelProviding``), else those of the widest instruction set.
  package let kernels: any Kernels

  /// Looks up the kernels of a backend.
  package init(_ backend: any Backend) {
    self.backend = backend
    kernels = (backend as? any KernelProviding)?.kernels ?? VectorKernels.widest
  }

  /// The threads over which operators split their work.
  package var workers: WorkerPool { backend.workers }
}
