/// An axis of an image.
package enum AxisRole: String, Hashable, Sendable, CaseIterable { case batch, height, width, channel }
