import SegEngine
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite struct WorkerPoolTests {
  /// How often each index came, in memory that threads write side by side.
  private final class Counts: @unchecked Sendable {
    let counts: UnsafeMutableBufferPointer<Int>

    init(_ count: Int) {
      counts = .allocate(capacity: max(1, count))
      counts.initialize(repeating: 0)
    }

    deinit { counts.deallocate() }
  }

  @Test(arguments: [1, 2, 3, 7])
  func everyIndexComesOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    // 65,535 is the most that the pool shares out one by one: more come in blocks.
    for count in [
      0, 1, 2, 3, 100, 65_534, 65_535, 65_536, 65_537, 131_069, 131_070, 131_071, 196_604, 200_000, 1_000_003,
      5_000_000,
    ] {
      let seen = Counts(count)
      pool.forEach(count) { index, worker in
        seen.counts[index] += 1
        if worker < 0 || worker >= threads { seen.counts[index] += 1000 }
      }
      #expect(seen.counts.prefix(count).allSatisfy { $0 == 1 }, "\(count) indices on \(threads) threads")
    }
    pool.forEach(-3) { _, _ in Issue.record("a negative count has no index") }
  }

  /// However many indices there are, more than one thread takes some: each waits at its first until another has come too.
  @Test(arguments: [2, 65_535, 65_536, 131_071, 3_000_000])
  func loopsOfAnyLengthAreShared(count: Int) {
    let pool = WorkerPool(threads: 2)
    let arrived = Counts(2)
    let both = Atomic(0)
    pool.forEach(count) { _, worker in
      guard arrived.counts[worker] == 0 else { return }
      arrived.counts[worker] = 1
      both.add(1, ordering: .sequentiallyConsistent)
      // A loop that one thread does alone ends all the same, after some seconds.
      var turns = 0
      while both.load(ordering: .sequentiallyConsistent) < 2, turns < 5000 {
        usleep(1000)
        turns += 1
      }
    }
    #expect(both.load(ordering: .sequentiallyConsistent) == 2, "\(count) indices")
  }

  /// Every second thread takes indices from the end, the others from the beginning, until they meet.
  @Test(arguments: [2, 5])
  func threadsTakeIndicesFromBothEnds(threads: Int) {
    let pool = WorkerPool(threads: threads)
    let takers = Counts(500)
    for _ in 0..<20 {
      pool.forEach(500) { index, worker in
        takers.counts[index] = worker
        usleep(20)
      }
      let firstFromBack = takers.counts.firstIndex { $0 % 2 == 1 } ?? 500
      #expect(takers.counts[firstFromBack...].allSatisfy { $0 % 2 == 1 })
    }
  }

  @Test func rangesCoverTheWhole() {
    for threads in [1, 3] {
      let pool = WorkerPool(threads: threads)
      for count in [0, 1, 5, 11, 12, 13, 1000, 100_003] {
        for grain in [0, 1, 7, 1000] {
          let seen = Counts(count)
          let tooSmall = Atomic(0)
          pool.forEachRange(count, grain: grain) { range, _ in
            for index in range { seen.counts[index] += 1 }
            if range.count < min(grain, count), range.upperBound < count { tooSmall.add(1, ordering: .relaxed) }
          }
          #expect(seen.counts.prefix(count).allSatisfy { $0 == 1 }, "\(count) by \(grain)")
          #expect(tooSmall.load(ordering: .relaxed) == 0, "\(count) by \(grain)")
        }
      }
    }
  }

  /// Memory that is split by worker needs no lock: two threads at once never have the same number.
  @Test func aWorkerIsOneThread() {
    let pool = WorkerPool(threads: 3)
    let inside = Counts(3)
    let clashes = Atomic(0)
    for _ in 0..<200 {
      pool.forEach(64) { _, worker in
        inside.counts[worker] += 1
        if inside.counts[worker] != 1 { clashes.add(1, ordering: .relaxed) }
        for _ in 0..<50 { sched_yield() }
        inside.counts[worker] -= 1
      }
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
  }

  /// What the workers wrote is seen by the caller after the loop, a hundred thousand times.
  @Test func tinyLoopsEndAndAreSeen() {
    let pool = WorkerPool(threads: 3)
    let sums = Counts(3)
    var wrong = 0
    for turn in 1...100_000 {
      pool.forEach(3) { index, _ in sums.counts[index] += 1 }
      if sums.counts[0] != turn || sums.counts[1] != turn || sums.counts[2] != turn { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// Loops of several callers do not wait for each other, and none takes an index of another.
  @Test func manyCallersAtOnce() async {
    let pool = WorkerPool(threads: 3)
    await withTaskGroup(of: Int.self) { group in
      for caller in 0..<8 {
        group.addTask {
          let seen = Counts(500)
          var wrong = 0
          for turn in 1...300 {
            let count = 1 + (caller * 37 + turn) % 500
            pool.forEach(count) { index, _ in seen.counts[index] += 1 }
            for index in 0..<500 {
              if seen.counts[index] != (index < count ? 1 : 0) { wrong += 1 }
              seen.counts[index] = 0
            }
          }
          return wrong
        }
      }
      for await wrong in group { #expect(wrong == 0) }
    }
  }

  /// A loop inside a loop is done by the thread that starts it.
  @Test func nestedLoopsEnd() {
    let pool = WorkerPool(threads: 3)
    let total = Atomic(0)
    for _ in 0..<100 {
      pool.forEach(8) { _, _ in
        pool.forEach(8) { _, _ in total.add(1, ordering: .relaxed) }
      }
    }
    #expect(total.load(ordering: .relaxed) == 6400)
  }

  /// Threads end with their pool, also those that sleep.
  @Test func poolsComeAndGo() {
    for turn in 0..<50 {
      let pool = WorkerPool(threads: 4)
      let total = Atomic(0)
      pool.forEach(10) { _, _ in total.add(1, ordering: .relaxed) }
      if turn % 10 == 0 { usleep(2000) }
      pool.forEach(10) { _, _ in total.add(1, ordering: .relaxed) }
      #expect(total.load(ordering: .relaxed) == 20)
    }
  }

  /// After a pause the threads sleep, and wake for the next loop.
  @Test func sleepersWake() {
    let pool = WorkerPool(threads: 3)
    let total = Atomic(0)
    for _ in 0..<20 {
      usleep(3000)
      pool.forEach(30) { _, _ in total.add(1, ordering: .relaxed) }
    }
    #expect(total.load(ordering: .relaxed) == 600)
  }
}
