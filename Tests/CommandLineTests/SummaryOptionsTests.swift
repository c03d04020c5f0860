import Foundation
import SegEngine
import SegModels
import Testing

/// `seg summary --receptive-fields` and `--blocks`.
@Suite struct SummaryOptionsTests {
  private struct Fields: Decodable {
    struct Field: Decodable {
      let size: [Int]
      let jump, offset: [Double]
      let isGlobal: Bool
    }
    struct Layer: Decodable {
      let name, operation: String
      let field: Field?
    }
    let layers: [Layer]
  }

  private struct Blocks: Decodable {
    struct Block: Decodable {
      let name: String
      let operations, parameters, activationBytes: Int
    }
    let blocks: [Block]
    let total: Block
    let peakActivationBytes: Int
  }

  private struct Summary: Decodable {
    let macs, flops, parameters: Int
  }

  @Test func receptiveFieldsAreThoseOfTheLibrary() throws {
    let result = try seg("summary", "pupil-unet", "--receptive-fields", "--json")
    expectSuccess(result)
    let fields: Fields = try result.json()
    let description = try #require(ModelRegistry.find("pupil-unet"))
    let expected = try ReceptiveFields(description.makeGraph(description.defaultSize))
    #expect(fields.layers.map(\.name) == expected.layers.map(\.name))
    #expect(
      fields.layers.map(\.field?.size) == expected.layers.map { $0.field.map { [$0.height.size, $0.width.size] } })
    let first = try #require(fields.layers.first { $0.operation == "Convolution" }?.field)
    #expect(first.size == [3, 3] && first.jump == [1, 1] && first.offset == [0, 0] && !first.isGlobal)
    let pool = try #require(fields.layers.first { $0.operation == "MaxPool" }?.field)
    // Two 3×3 and a pooling of 2: 6 pixels, the first one's centred at half a pixel.
    #expect(pool.size == [6, 6] && pool.jump == [2, 2] && pool.offset == [0.5, 0.5])
    let text = try seg("summary", "pupil-unet", "--receptive-fields")
    expectSuccess(text)
    #expect(text.output.split(separator: "\n").count == 1 + fields.layers.filter { $0.field != nil }.count)
  }

  @Test func blocksAddUpToTheSummary() throws {
    let whole = try seg("summary", "unet", "--json")
    let summary: Summary = try whole.json()
    for (rule, operations) in [("torchvision", summary.macs), ("full", summary.flops)] {
      let result = try seg("summary", "unet", "--blocks", "1", "--rule", rule, "--json")
      expectSuccess(result)
      let blocks: Blocks = try result.json()
      #expect(blocks.total.operations == operations && blocks.total.parameters == summary.parameters)
      #expect(blocks.blocks.reduce(0) { $0 + $1.operations } == operations)
      #expect(blocks.blocks.count > 3 && blocks.peakActivationBytes < blocks.total.activationBytes)
    }
    expectSuccess(try seg("summary", "unet", "--blocks", "2"))
  }

  @Test func badOptionsAreUsageErrors() throws {
    expectFailure(try seg("summary", "unet", "--blocks", "0"), 64, ["--blocks"])
    expectFailure(try seg("summary", "unet", "--blocks", "1", "--rule", "mine"), 64, ["mine"])
    expectFailure(try seg("summary", "unet", "--blocks", "1", "--receptive-fields"), 64, ["exclude"])
  }
}
