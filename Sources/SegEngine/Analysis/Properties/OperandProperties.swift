/// An operand as the rules see it.
package struct OperandProperties {
  package let spec: TensorSpec
  /// The elements, where they are known.
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

  /// What is proven of it. A constant's elements are read when this is asked for, since few rules do.
  package var properties: ValueProperties { computed ?? constant.map(ValueProperties.init) ?? .unknown(spec) }

  package var axes: [AxisMeaning] { computed?.axes ?? .init(repeating: .unknown, count: spec.shape.rank) }
}
