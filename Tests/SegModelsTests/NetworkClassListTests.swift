import SegEngine
import SegModels
import Testing

/// The names and colours that networks and settings state.
@Suite struct NetworkClassListTests {
  @Test func networksWithFixedClassesNameThem() throws {
    for name in ["enet", "bisenetv1", "bisenetv2", "fast-scnn", "setr-pup"] {
      let description = try #require(ModelRegistry.find(name))
      #expect(description.classList == .cityscapes, "\(name)")
      #expect(description.with(classes: 19).classList == .cityscapes)
      #expect(description.with(classes: 5).classList == nil)
    }
    #expect(ModelRegistry.find("u2netp")?.classList == .salientObject)
    #expect(ModelRegistry.find("unet")?.classList == nil)
    for description in ModelRegistry.all {
      #expect(description.classList.map { $0.names.count == description.classes } ?? true, "\(description.name)")
    }
  }

  private func settings(_ json: String) throws(SettingsError) -> PredictionSettings {
    try PredictionSettings(json: Array(json.utf8))
  }

  @Test func settingsNameAndColourClasses() throws {
    let both = try settings(##"{"classNames": ["sky", "road"], "palette": ["#4682b4", "#804080"]}"##)
    let list = try #require(try both.classList(classes: 2))
    #expect(list.names == ["sky", "road"] && list.background == nil)
    #expect(list.palette.colors == [Palette.Color(70, 130, 180), Palette.Color(128, 64, 128)])
    let names = try settings(#"{"classNames": ["background", "cat"]}"#)
    #expect(try names.classList(classes: nil)?.palette == .distinct)
    #expect(try settings("{}").classList(classes: 2) == nil)
    #expect(try settings(##"{"palette": ["#000000", "#ffffff"]}"##).classList(classes: 2)?.names == [])
    #expect(try names.completed(by: both).classList(classes: 2)?.palette == list.palette)
    #expect(names.completed(by: both).classNames == ["background", "cat"])
  }

  @Test(arguments: [
    (#"{"classNames": []}"#, "classNames: there are no names"), (#"{"classNames": [1]}"#, "classNames"),
    (#"{"palette": []}"#, "palette: 0 colours"), (#"{"palette": ["red"]}"#, "palette: red is not a colour"),
    (#"{"fit": "strech"}"#, "did you mean stretch?"), (#"{"thresold": 0.5}"#, "did you mean threshold?"),
  ]) func invalidSettingsAreErrors(json: String, part: String) {
    let error = #expect(throws: SettingsError.self) { try settings(json) }
    #expect(error?.description.contains(part) == true, "\(error.map(\.description) ?? "")")
  }

  @Test func countsThatDoNotMatchAreErrors() throws {
    let names = try settings(#"{"classNames": ["a", "b"]}"#)
    #expect(throws: SettingsError("classNames: 2 names are not one for each of 3 classes")) {
      try names.classList(classes: 3)
    }
    let colors = try settings(##"{"classNames": ["a", "b"], "palette": ["#000000"]}"##)
    #expect(throws: SettingsError("palette: 1 colours are not one for each of 2 classes")) {
      try colors.classList(classes: nil)
    }
  }
}
