import CSegKernels

/// The limit on what this process may map.
public enum AddressSpace {
  /// Bytes that this process may still map; `nil` where it has no limit.
  public static var remainingByteCount: Int? {
    let bytes = seg_address_space_left()
    return bytes == .max ? nil : bytes
  }
}
