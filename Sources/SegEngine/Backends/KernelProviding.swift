/// A backend that says which vector kernels run beside its products.
package protocol KernelProviding {
  /// The instruction set under which the ``KernelTable`` has the kernels.
  var instructionSet: String { get }
}
