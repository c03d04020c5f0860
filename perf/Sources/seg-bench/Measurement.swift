/// Times several entries alternately, round by round, so that other load on the machine affects all of them equally.
struct Contest {
  /// An entry to be timed: a name, the multiply–adds of one call, and the call.
  struct Entry {
    let name: String
    let macs: Double
    let run: () -> Void
  }

  /// The result of one entry: seconds per call, by round.
  struct Outcome {
    let name: String
    let macs: Double
    let seconds: [Double]

    var median: Double { seconds.sorted()[seconds.count / 2] }
    var fastest: Double { seconds.min() ?? 0 }
    /// The GFLOP/s at the median; a multiply–add counts as two operations.
    var gigaflops: Double { 2 * macs / median / 1e9 }
  }

  private var entries: [Entry] = []

  mutating func add(_ name: String, macs: Double = 0, _ run: @escaping () -> Void) {
    entries.append(Entry(name: name, macs: macs, run: run))
  }

  /// Runs every entry once to warm up, then `rounds` times alternately. Each timing takes at least `least` seconds.
  func run(rounds: Int, least: Double = 0.03) -> [Outcome] {
    let clock = ContinuousClock()
    var seconds = [[Double]](repeating: [], count: entries.count)
    let repeats = entries.map { entry -> Int in
      entry.run()
      let once = clock.measure { entry.run() } / .seconds(1)
      return max(1, Int((least / max(once, 1e-9)).rounded(.up)))
    }
    for _ in 0..<rounds {
      for (index, entry) in entries.enumerated() {
        let time = clock.measure { for _ in 0..<repeats[index] { entry.run() } } / .seconds(1)
        seconds[index].append(time / Double(repeats[index]))
      }
    }
    return zip(entries, seconds).map { Outcome(name: $0.name, macs: $0.macs, seconds: $1) }
  }
}

extension Double {
  func formatted(_ digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let rounded = (self * scale).rounded() / scale
    let text = "\(rounded)"
    guard let point = text.firstIndex(of: ".") else { return text }
    let fraction = text[text.index(after: point)...]
    return digits == 0 ? String(text[..<point]) : text + String(repeating: "0", count: max(0, digits - fraction.count))
  }
}

extension String {
  func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
