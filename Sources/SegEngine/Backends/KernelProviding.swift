/// A backend that specifies the vector kernels to run with.
package protocol KernelProviding {
  /// The instruction set of its kernels in the ``KernelTable``.
  var instructionSet: String { get }
}
