import Testing

@testable import SegFiles

@Suite struct PathNamesTests {
  @Test(arguments: [
    ("o", ""), ("ab", ""), ("", ""), ("a/b", "a"), ("a/b/", "a"), ("/o", "/"), ("/", "/"), ("//", "/"), ("a//b", "a"),
    ("/a/b.png", "/a"), (".", ""), ("../x", ".."), ("a/\u{301}b", "a"),
  ]) func parent(path: String, expected: String) {
    #expect(parentDirectory(of: path) == expected)
  }

  @Test(arguments: [
    ("o", "o"), ("", ""), ("a/b", "b"), ("a/b/", "b"), ("/o", "o"), ("/", "/"), ("//", "/"), ("../x.png", "x.png"),
    ("a/\u{301}b", "\u{301}b"),
  ]) func lastComponents(path: String, expected: String) {
    #expect(lastComponent(of: path) == expected)
  }

  @Test(
    arguments: [
      ("a/b.png", "b", "png"), ("b.tar.gz", "b.tar", "gz"), ("b", "b", nil), (".png", ".png", nil), ("b.", "b.", nil),
      ("Photo 1.2 final", "Photo 1.2 final", nil), ("a.b/c", "c", nil), ("é.\u{301}x.TIF", "é.\u{301}x", "TIF"),
    ] as [(String, String, String?)]) func stemsAndEndings(path: String, expectedStem: String, expectedEnding: String?)
  {
    #expect(stem(of: path) == expectedStem)
    #expect(ending(of: path) == expectedEnding)
  }

  @Test(arguments: [
    ("", "x", "x"), ("a", "x", "a/x"), ("a/", "x", "a/x"), ("/", "x", "/x"), ("a//", "b/c", "a/b/c"),
  ]) func joining(directory: String, path: String, expected: String) {
    #expect(joined(directory, path) == expected)
  }
}
