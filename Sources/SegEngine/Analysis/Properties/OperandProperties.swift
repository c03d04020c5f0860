/// An operand during property inference.
package struct OperandProperties {
  package let spec: TensorSpec
  /// The elements, if they are constant.
  package let constant: Tensor?
  private let computed: ValueProperties?

  init(_ spec: TensorSpec, constant: Tensor) {
    self.spec = spec
    self.constant = constant
    computed = nil
  }

  package init(_ spec: TensorSpec, _ properties: ValueProperties) {
    self.spec = spec
    constant = nil
    computed = properties
  }

  /// The proven properties. Those of a constant are computed on access, because few rules need them.
  package var properties: ValueProperties { computed ?? constant.map(ValueProperties.init) ?? .unknown(spec) }

  package var axes: [AxisMeaning] { computed?.axes ?? .init(repeating: .unknown, count: spec.shape.rank) }
}
