// SegFiles is exported because ``ONNXError`` contains a `FileError`, and `String(fileSystemBytes:)` makes paths for
// this module's functions.
@_exported import SegFiles
