// The errors of this module contain a `FileError`, and paths of its functions may come from `String(fileSystemBytes:)`.
@_exported import SegFiles
