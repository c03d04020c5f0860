/// Takes times.
enum Stopwatch {
  /// Seconds of the fastest of the calls that are made until `lasting` seconds are over, three at least, after one that does not count.
  static func fastest(lasting: Double, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    body()
    var (best, total, count) = (Double.infinity, 0.0, 0)
    while count < 3 || total < lasting {
      let seconds = clock.measure(body) / .seconds(1)
      best = min(best, max(seconds, 1e-9))
      total += seconds
      count += 1
    }
    return best
  }
}
