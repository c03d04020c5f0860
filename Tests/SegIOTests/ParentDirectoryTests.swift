import Testing

@testable import SegIO

@Suite struct ParentDirectoryTests {
  @Test(arguments: [
    ("o", ""), ("ab", ""), ("", ""), ("a/b", "a"), ("a/b/", "a"), ("/o", "/"), ("/", "/"), ("//", "/"), ("a//b", "a"),
    ("/a/b.png", "/a"), (".", ""), ("../x", ".."),
  ]) func parent(path: String, expected: String) {
    #expect(parentDirectory(of: path) == expected)
  }
}
