import SegEngine
import Testing

@Suite struct ClassListTests {
  @Test func everyLabelHasAName() {
    let classes = ClassList(names: ["background", "cat"])
    #expect(classes.name(of: 1) == "cat")
    #expect(classes.name(of: 2) == "class 2")
    #expect(classes.name(of: LabelMap.unlabelled) == "unlabelled")
    #expect(ClassList().name(of: 0) == "background" && ClassList().name(of: 1) == "class 1")
    #expect(ClassList(names: [], background: nil).name(of: 0) == "class 0")
    #expect(classes.palette == .distinct)
  }

  @Test func theBackgroundIsKnownByItsName() {
    #expect(ClassList().background == 0)
    #expect(ClassList(names: ["Background", "cat"]).background == 0)
    #expect(ClassList(names: ["cat", "background"]).background == nil)
    #expect(ClassList(names: ["cat", "background"], background: 1).background == 1)
    #expect(ClassList.pascalVOC.background == 0 && ClassList.salientObject.background == 0)
    #expect(ClassList.cityscapes.background == nil && ClassList.ade20k.background == nil)
  }

  @Test func listsOfDataSetsHaveOneColourForEachName() {
    let lists: [(ClassList, Int)] = [(.cityscapes, 19), (.ade20k, 150), (.potsdam, 6), (.deepGlobe, 6)]
    for (list, count) in lists {
      #expect(list.names.count == count && list.palette.colors.count == count)
      #expect(Set(list.names).count == count)
    }
    #expect(ClassList.pascalVOC.names.count == 21 && ClassList.pascalVOC.palette == .pascalVOC)
  }
}
