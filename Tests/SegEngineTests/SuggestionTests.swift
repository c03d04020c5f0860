import SegEngine
import Testing

@Suite struct SuggestionTests {
  /// Each pair with its distance by hand; the last two tell the unrestricted distance from the restricted one.
  @Test(arguments: [
    ("", "", 0), ("unet", "unet", 0), ("", "abc", 3), ("unte", "unet", 1), ("unet", "unetpp", 2),
    ("kitten", "sitting", 3),
    ("abcd", "acbd", 1), ("ab", "ba", 1), ("ca", "abc", 2), ("a cat", "an abct", 3),
  ]) func distancesAreEdits(first: String, second: String, distance: Int) {
    #expect(first.editDistance(to: second) == distance)
    #expect(second.editDistance(to: first) == distance)
  }

  @Test func similarNamesComeFirst() {
    let names = ["unet", "unetpp", "unet3plus", "enet", "bisenetv1", "bisenetv2", "segformer-b0"]
    #expect("unte".similarNames(among: names) == ["unet"])
    #expect("UNet".similarNames(among: names) == ["unet", "enet"])
    #expect("bisenet".similarNames(among: names) == ["bisenetv1", "bisenetv2"])
    #expect("segformer".similarNames(among: names) == ["segformer-b0"])
    #expect("nothing".similarNames(among: names) == [])
    #expect("".similarNames(among: names) == [])
    #expect("xx".similarNames(among: names) == [])
  }

  @Test func suggestionsEndAMessage() {
    #expect("unte".suggestion(among: ["enet2", "unet"]) == ": did you mean unet?")
    #expect("bisenet".suggestion(among: ["bisenetv1", "bisenetv2"]) == ": did you mean bisenetv1 or bisenetv2?")
    #expect("abcx".suggestion(among: ["abca", "abcb", "abcc", "abcd"]) == ": did you mean abca, abcb or abcc?")
    #expect("nothing".suggestion(among: ["unet"]) == "")
  }
}
