import Foundation
import Testing

/// `seg train --json`: a line of JSON for each event.
@Suite struct TrainJSONTests {
  private struct Line: Decodable {
    let event: String
    let path, reason: String?
    let imagesToTrain, imagesToValidate, classes, batch, steps, step, bestStep, bytes: Int?
    let loss, rate, imagesPerSecond, meanIou, bestMeanIou, millisecondsPerStep, seconds: Double?
    let iou: [Double?]?
    let isBest: Bool?
  }

  private let folder: Folder
  private let run, data: String
  private let tiny = ["--widths", "4,8", "--crop", "16", "--batch", "2", "--json"]

  init() throws {
    folder = try Folder()
    run = folder.path("run")
    data = try makeSet(folder, foreground: 3)
  }

  private func lines(_ output: String) throws -> [Line] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try output.split(separator: "\n").map { try decoder.decode(Line.self, from: Data($0.utf8)) }
  }

  @Test func everyEventHasALine() throws {
    let result = try seg(["train", data, "-o", run, "--steps", "6", "--interval", "2", "--rate", "0.01"] + tiny)
    #expect(result.exitCode == 0)
    let lines = try lines(result.output)
    let group = ["step", "step", "validation"]
    #expect(lines.map(\.event) == ["start"] + group + group + group + ["end"])
    #expect(lines[0].path == run && lines[0].imagesToTrain == 5 && lines[0].imagesToValidate == 1)
    #expect(lines[0].classes == 4 && lines[0].batch == 2 && lines[0].steps == 6)
    let steps = lines.filter { $0.event == "step" }
    #expect(steps.map(\.step) == [1, 2, 3, 4, 5, 6])
    #expect(steps.allSatisfy { ($0.loss ?? 0) > 0 && ($0.imagesPerSecond ?? 0) > 0 })
    // 0.01 · (1 − t)^0.9
    for (index, step) in steps.enumerated() {
      #expect(abs((step.rate ?? 0) - 0.01 * pow(1 - Double(index) / 6, 0.9)) < 1e-12)
    }
    let validations = lines.filter { $0.event == "validation" }
    #expect(validations.map(\.step) == [2, 4, 6] && validations.allSatisfy { $0.iou?.count == 4 })
    var best: (mean: Double, step: Int)?
    for line in validations {
      let (iou, mean) = (try #require(line.iou), try #require(line.meanIou))
      let defined = iou.compactMap { $0 }
      #expect(abs(mean - defined.reduce(0, +) / Double(defined.count)) < 1e-12)
      #expect(line.isBest == (mean > best?.mean ?? -1))
      if line.isBest == true { best = (mean, try #require(line.step)) }
    }
    let end = try #require(lines.last)
    #expect(end.reason == "finished" && end.step == 6 && end.path == run)
    #expect(end.bestMeanIou == best?.mean && end.bestStep == best?.step)
    // The log has the same numbers.
    let log = try String(contentsOfFile: run + "/log.jsonl", encoding: .utf8)
    let logged = try self.lines(log.replacing("{\"", with: "{\"event\":\"\",\""))
    #expect(logged.filter { $0.loss != nil }.map(\.loss) == steps.map(\.loss))
  }

  @Test func anEndWithoutValidationHasNulls() throws {
    let train =
      "'\(Repository.products.appending(path: "seg").path)' train '\(data)' -o '\(run)' --steps 3000 --interval 3000 "
      + tiny.joined(separator: " ")
    let result = try Program.run(
      URL(filePath: "/bin/sh"),
      ["-c", "\(train) & until [ -s '\(run)/log.jsonl' ]; do sleep 0.01; done; kill -TERM $!; wait $!"])
    #expect(result.exitCode == 130)
    let end = try #require(result.output.split(separator: "\n").last)
    #expect(end.contains("\"reason\":\"interrupted\""))
    #expect(end.contains("\"best_mean_iou\":null") && end.contains("\"best_step\":null"))
  }

  @Test func earlyStoppingAndPlansHaveLines() throws {
    let frozen = ["--steps", "500", "--interval", "1", "--patience", "2", "--rate", "1e-12"]
    let stopped = try lines(try seg(["train", data, "-o", run] + frozen + tiny).output)
    #expect(stopped.last?.reason == "stopped_early" && stopped.last?.step ?? 500 < 500)
    let plan = try lines(try seg(["train", data, "-o", folder.path("none"), "--plan"] + tiny).output)
    #expect(plan.map(\.event) == ["start", "plan"])
    #expect((plan.last?.millisecondsPerStep ?? 0) > 0 && (plan.last?.bytes ?? 0) > 0)
    #expect((plan.last?.seconds ?? 0) > (plan.last?.millisecondsPerStep ?? 0) / 1000)
  }
}
