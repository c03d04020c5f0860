/// A weight of the resizing filter.
protocol ResamplingWeight {
  init(share: Double)
}

extension Double: ResamplingWeight {
  init(share: Double) { self = share }
}

extension Int32: ResamplingWeight {
  /// Fixed point with 22 fractional bits.
  init(share: Double) { self = Int32((share * Double(1 << 22)).rounded(.toNearestOrAwayFromZero)) }
}
