/// The meaning of a value's axis with respect to the image: one axis, several axes merged by a reshape (outermost
/// first), or unknown.
package struct AxisMeaning: Hashable, Sendable {
  /// A part of an axis, with its extent.
  package struct Part: Hashable, Sendable {
    package var role: AxisRole
    package var extent: Int
  }

  package var parts: [Part]

  package init(_ role: AxisRole, _ extent: Int) { parts = [Part(role: role, extent: extent)] }
  package init(_ parts: [Part]) { self.parts = parts }

  package static let unknown = AxisMeaning([])

  /// The axis of the image, if the axis is a single one.
  package var role: AxisRole? { parts.count == 1 ? parts[0].role : nil }

  /// The meaning after a change of the extent. An axis of several parts becomes unknown.
  func resized(to extent: Int) -> AxisMeaning {
    if parts.count == 1 { return AxisMeaning(parts[0].role, extent) }
    return parts.reduce(1, { $0 * $1.extent }) == extent ? self : .unknown
  }
}

extension [AxisMeaning] {
  /// The meaning of the axes of an output. Each takes that of the first input whose axis at the same index from the end
  /// is known. Inputs of other ranks are considered only if `broadcasting`.
  package static func following(
    _ inputs: [OperandProperties], to output: TensorSpec, broadcasting: Bool = false
  ) -> [AxisMeaning] {
    let rank = output.shape.rank
    return (0..<rank).map { axis in
      for input in inputs where input.spec.shape.rank == rank || broadcasting {
        let place = axis - (rank - input.spec.shape.rank)
        guard place >= 0 else { continue }
        let meaning = input.axes[place]
        guard !meaning.parts.isEmpty, !broadcasting || input.spec.shape[place] == output.shape[axis] else { continue }
        return meaning.resized(to: output.shape[axis])
      }
      return .unknown
    }
  }

  /// The meaning of the axes after a reshape. An axis keeps its meaning if its extent is the product of whole parts of
  /// the axes before; an axis that ends within a part is unknown.
  package func reshaped(from: Shape, to shape: Shape) -> [AxisMeaning] {
    guard !from.dimensions.contains(0) else { return .init(repeating: .unknown, count: shape.rank) }
    var parts: [Part] = []
    for (axis, meaning) in zip(from.dimensions, self) {
      let known = meaning.parts.filter { $0.extent != 1 }
      if known.reduce(1, { $0 * $1.extent }) == axis {
        parts += known.map { Part(role: $0.role, extent: $0.extent) }
      } else if axis != 1 {
        parts.append(Part(role: nil, extent: axis))
      }
    }
    var result: [AxisMeaning] = []
    var rest = parts[...]
    for extent in shape.dimensions {
      var taken: [Part] = []
      var product = 1
      while product < extent, let next = rest.first {
        rest.removeFirst()
        if extent % (product * next.extent) == 0 {
          taken.append(next)
          product *= next.extent
        } else if (product * next.extent) % extent == 0, extent % product == 0 {
          // The axis ends within a part, so both pieces are unknown.
          taken.append(Part(role: nil, extent: extent / product))
          rest = [Part(role: nil, extent: product * next.extent / extent)] + rest
          product = extent
        } else {
          return .init(repeating: .unknown, count: shape.rank)
        }
      }
      let roles = taken.compactMap { part in part.role.map { AxisMeaning.Part(role: $0, extent: part.extent) } }
      result.append(product == extent && roles.count == taken.count ? AxisMeaning(roles) : .unknown)
    }
    // A batch or channel axis of extent 1 does not take part in the factorisation; it stays if the ranks are equal.
    if shape.rank == count {
      for axis in indices where shape[axis] == 1 && from[axis] == 1 { result[axis] = self[axis] }
    }
    return result
  }
}

/// A part of an axis during a reshape.
private struct Part {
  var role: AxisRole?
  var extent: Int
}
