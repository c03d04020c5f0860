import SegEngine
import Testing

@Suite struct PixelTransformTests {
  @Test func pointsAndAreas() {
    #expect(PixelTransform.identity.point(column: 3, row: 5) == (3, 5))
    #expect(PixelTransform.identity.pixelArea == 1)
    // A turned image: a step to the right is (3, 4) on the map, a step down (8, −6).
    let turned = PixelTransform(
      originX: 100, xPerColumn: 3, xPerRow: 8, originY: 200, yPerColumn: 4, yPerRow: -6)
    #expect(turned.point(column: 0, row: 0) == (100, 200))
    #expect(turned.point(column: 2, row: 1) == (114, 202))
    // Sides of 5 and 10 at right angles; y points up, so the image is mirrored.
    #expect(turned.determinant == -50 && turned.pixelArea == 50)
  }
}
