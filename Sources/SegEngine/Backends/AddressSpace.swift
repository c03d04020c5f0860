import CSegKernels

/// The limit on the address space of this process.
public enum AddressSpace {
  /// Bytes of address space that this process may still map; `nil` without a limit.
  public static var remainingByteCount: Int? {
    let bytes = seg_address_space_left()
    return bytes == .max ? nil : bytes
  }
}
