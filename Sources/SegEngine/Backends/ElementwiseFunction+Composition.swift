extension ElementwiseFunction {
  /// Returns the function that applies this one and then another, without another rounding; `nil` if there is none.
  func followed(by next: ElementwiseFunction) -> ElementwiseFunction? {
    switch (self, next) {
    case (.identity, _): return next
    case (_, .identity): return self
    case (.relu, .quantize): return ElementwiseFunction.clip(low: 0, high: .infinity).followed(by: next)
    case (.clip(let low, let high), .quantize(let step, let least, let largest)) where step > 0 && low <= high:
      // Division and rounding are monotone, so that the bounds may be rounded instead.
      func bounded(_ bound: Float) -> Float {
        min(max((bound / step).rounded(.toNearestOrEven), least), largest)
      }
      return .quantize(step: step, low: bounded(low), high: bounded(high))
    default: return nil
    }
  }
}
