// What the rewrites of training ask of operators.

/// An operator that normalises with statistics that are those of the batch in training: inputs x, weight, bias, mean, variance, as
/// ``BatchNorm``.
public protocol BatchNormalizing: Operator {}

/// An operator whose gradient takes the function into account that it applies to its result, also where the function's value does not tell
/// the derivative.
public protocol FunctionDifferentiating: FunctionAbsorbing, Differentiable {}
