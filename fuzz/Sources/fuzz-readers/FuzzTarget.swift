import Foundation

/// The reader that SEG_FUZZ_READER names.
private let reader: Reader = {
  let name = ProcessInfo.processInfo.environment["SEG_FUZZ_READER"] ?? ""
  guard let reader = Reader(rawValue: name) else {
    let names = Reader.allCases.map(\.rawValue).joined(separator: ", ")
    FileHandle.standardError.write(Data("SEG_FUZZ_READER is \"\(name)\": it must be one of \(names)\n".utf8))
    exit(64)
  }
  return reader
}()

/// The file into which an input is written for readers that take a path.
private let file = "\(ProcessInfo.processInfo.environment["SEG_FUZZ_FOLDER"] ?? NSTemporaryDirectory())/\(getpid())"

/// The entry point of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  func written() -> String {
    guard let stream = fopen(file, "wb"), fwrite(bytes, 1, bytes.count, stream) == bytes.count, fclose(stream) == 0
    else { fatalError("\(file) cannot be written") }
    return file
  }
  // An error is the right answer to a damaged file; traps, bad accesses, hangs and too much memory are libFuzzer's to find.
  try? reader.read(bytes, at: written())
  return 0
}
