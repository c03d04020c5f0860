import Foundation
import SegIO
import SegTraining

/// The code of the article "Train a network": two classes that a threshold tells apart.
func trainANetwork(file: String) throws {
  var network = UNet()
  network.widths = [8, 16, 32]
  network.classes = 2
  let step = try network.graph(size: 32).training(
    loss: CombinedLoss([.init(CrossEntropyLoss()), .init(DiceLoss())]), optimizer: .adamW(), batch: 2)
  var state = TrainingState(initializing: step, seed: 1)

  var generator = SeededGenerator(seed: 2)
  let pixels = (0..<2 * 32 * 32).map { _ in Float.random(in: -1...1, using: &generator) }
  let images = Tensor([2, 32, 32, 3], pixels.flatMap { [$0, $0, $0] })
  let targets = Tensor([2, 32, 32], pixels.map { UInt16($0 > 0 ? 1 : 0) })
  var losses: [Double] = []
  for iteration in 0..<20 {
    let rate = 2e-3 * pow(1 - Double(iteration) / 20, 0.9)
    losses.append(try step.run(images, targets, &state, rate: rate).loss)
  }
  print("loss falls:", losses[19] < losses[0] / 2)

  try state.parameters.write(to: file)
  let model = try network.graph(size: 32).compiled(parameters: Parameters(contentsOf: file))
  print("trained weights run:", try model.run(["image": Tensor(zeros: [1, 32, 32, 3])])["logits"] != nil)
}
