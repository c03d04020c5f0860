import ArgumentParser

/// A time on the command line, such as `40ms` or `0.5s`.
struct TimeArgument: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    guard let seconds = quantity(argument, units: [("ms", 1e-3), ("s", 1)]) else { return nil }
    self.seconds = seconds
  }
}

/// An amount of memory on the command line, such as `300MB` or `1.5GB`.
struct MemoryArgument: ExpressibleByArgument {
  let byteCount: Int

  init?(argument: String) {
    guard let bytes = quantity(argument, units: [("KB", 1e3), ("MB", 1e6), ("GB", 1e9)]), bytes < 1e15 else {
      return nil
    }
    byteCount = Int(bytes)
  }
}

/// Parses a positive number with a unit. If two units match the end of the text, the longer one is used.
private func quantity(_ text: String, units: [(name: String, factor: Double)]) -> Double? {
  for unit in units where text.lowercased().hasSuffix(unit.name.lowercased()) {
    if let number = Double(text.dropLast(unit.name.count)), number > 0, number.isFinite { return number * unit.factor }
  }
  return nil
}
