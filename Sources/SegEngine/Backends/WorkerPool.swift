import CSegKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A fixed set of threads that run the chunks of one loop at a time.
///
/// The calling thread takes part, so a pool of *n* threads starts *n* − 1. Idle threads spin for some ten microseconds, because the next
/// operator usually follows at once, and then sleep. A loop that starts while another thread's loop is running runs on its calling thread
/// only, so that callers do not wait for each other.
public final class WorkerPool: Sendable {
  /// The default pool of backends, with ``defaultThreadCount`` threads.
  public static let shared = WorkerPool(threads: defaultThreadCount)

  /// The value of `SEG_NUM_THREADS` if it is a positive integer, else the number of processors that this process may use: those of its
  /// affinity, limited by the quota of its control group.
  ///
  /// An invalid value of the variable is ignored, with one line on standard error. A program can reject it beforehand with
  /// ``environmentThreadCount()``.
  public static let defaultThreadCount: Int = {
    do throws(ThreadCountError) {
      if let count = try environmentThreadCount() { return min(count, maximumThreadCount) }
    } catch {
      let line = Array("\(error); it is ignored\n".utf8)
      _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
    return min(max(1, seg_available_processors()), maximumThreadCount)
  }()

  /// Returns the number in `SEG_NUM_THREADS`; `nil` if it is not set or empty.
  ///
  /// - Throws: ``ThreadCountError`` if it is not a positive integer.
  public static func environmentThreadCount() throws(ThreadCountError) -> Int? {
    guard let value = getenv("SEG_NUM_THREADS") else { return nil }
    let text = String(cString: value)
    guard !text.isEmpty else { return nil }
    guard let count = Int(text), count > 0 else { throw ThreadCountError(text: text) }
    return count
  }

  /// The largest number of threads that a pool starts.
  public static let maximumThreadCount = 256

  /// The number of threads that take part in a loop, the caller included.
  public let threadCount: Int

  private let crew: Crew?

  /// Starts `threads` − 1 threads, or fewer if a limit on address space does not allow more.
  ///
  /// - Precondition: `threads` is positive.
  public init(threads: Int) {
    precondition(threads > 0, "a pool has at least the calling thread")
    threadCount = Int(seg_reserve_product_buffers(Int32(min(threads, WorkerPool.maximumThreadCount))))
    crew = threadCount > 1 ? Crew(threads: threadCount) : nil
  }

  deinit { crew?.stop() }

  /// Calls `body(index, worker)` once for each index in `0 ..< count`, in any order, on any of the pool's threads, and returns when all
  /// calls have. Every second thread takes indices from the end, so that in each loop a thread works on the same part of a map or of
  /// weights, which may still be in its cache. `worker` is less than ``threadCount`` and belongs to one thread during the loop, so memory
  /// that is split by worker needs no lock.
  public func forEach(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    guard count > 1, let crew, crew.tryBegin() else {
      for index in 0..<max(count, 0) { body(index, 0) }
      return
    }
    defer { crew.end() }
    guard count > Ticket.largestCount else { return crew.run(count, body) }
    // Counts beyond a ticket's 16 bits are claimed in blocks of several indices.
    let blocks = EvenPieces(count, largest: (count - 1) / Ticket.largestCount + 1)
    crew.run(blocks.pieces) { block, worker in
      for index in blocks[block] { body(index, worker) }
    }
  }

  /// Predicts the index that a worker takes after another: every second worker takes them from the end. The prediction is wrong for more
  /// than 65,535 indices, which are claimed in blocks. A wrong one costs only a needless prefetch.
  func following(_ index: Int, _ worker: Int) -> Int {
    worker % 2 == 0 ? index + (threadCount + 1) / 2 : index - threadCount / 2
  }

  /// Splits `0 ..< count` into at most four ranges per thread, none (except the last) smaller than `grain`, and calls `body(range, worker)`
  /// for each.
  public func forEachRange(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ worker: Int) -> Void) {
    guard count > 0 else { return }
    let pieces = threadCount == 1 ? 1 : min(threadCount * 4, max(1, count / max(1, grain)))
    let size = (count + pieces - 1) / pieces
    forEach((count + size - 1) / size) { index, worker in
      body(index * size..<min(count, (index + 1) * size), worker)
    }
  }
}

/// The generation of the loop, the number of chunks, and the numbers claimed from the front and from the back, 16 bits each, in one word.
/// So one atomic step claims a chunk and checks that it still belongs to the same loop.
private struct Ticket {
  static let largestCount = 0xffff

  var word: UInt64

  init(word: UInt64) { self.word = word }

  init(generation: UInt64, count: Int) { word = generation << 48 | UInt64(count) << 32 }

  var generation: UInt64 { word >> 48 }
  var count: Int { Int(word >> 32 & 0xffff) }
  private var front: Int { Int(word >> 16 & 0xffff) }
  private var back: Int { Int(word & 0xffff) }
  var hasChunk: Bool { front + back < count }

  /// Returns the next chunk from an end, and the word after it is claimed.
  func claiming(fromBack: Bool) -> (chunk: Int, word: UInt64) {
    fromBack ? (count - 1 - back, word + 1) : (front, word + 1 << 16)
  }
}

/// The threads of a pool and their current loop.
///
/// `@unchecked Sendable`: `job` is written only by the thread that holds `busy`, while no chunk is claimed, and read only
/// between claiming a chunk and reporting it done, during which the loop cannot end.
private final class Crew: @unchecked Sendable {
  /// Iterations of the waiting loop before a thread sleeps: some tens of microseconds.
  private static let spinTurns = 4000

  private let ticket = Atomic<UInt64>(0)
  private let done = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private var job: UnsafePointer<seg_loop_body>?
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  init(threads: Int) {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    for worker in 1..<threads { start(worker) }
  }

  private func start(_ worker: Int) {
    let box = Unmanaged.passRetained(Entry(crew: self, worker: worker)).toOpaque()
    #if os(Linux)
    var thread = pthread_t()
    #else
    var thread: pthread_t?
    #endif
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // OpenBLAS keeps its packing buffers outside the stack, and the engine's are in the workspace.
    pthread_attr_setstacksize(&attributes, 1 << 20)
    if pthread_create(&thread, &attributes, workerMain, box) != 0 {
      Unmanaged<Entry>.fromOpaque(box).release()
    }
    pthread_attr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func tryBegin() -> Bool {
    busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
  }

  func end() { busy.store(false, ordering: .releasing) }

  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    wake()
  }

  func run(_ count: Int, _ body: (Int, Int) -> Void) {
    var loop = Loop(crew: .passUnretained(self), count: count)
    withUnsafeMutablePointer(to: &loop) { loop in
      withLoopBody(
        body,
        { body, loop in
          guard let body, let loop = loop?.assumingMemoryBound(to: Loop.self) else { return }
          loop.pointee.crew.takeUnretainedValue().run(loop.pointee.count, body)
        }, loop)
    }
  }

  private func run(_ count: Int, _ body: UnsafePointer<seg_loop_body>) {
    job = body
    done.store(0, ordering: .relaxed)
    let generation = Ticket(word: ticket.load(ordering: .relaxed)).generation &+ 1
    ticket.store(Ticket(generation: generation & 0xffff, count: count).word, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wake() }
    claimChunks(worker: 0)
    var turns = 0
    while done.load(ordering: .acquiring) < count {
      seg_pause()
      turns += 1
      if turns > Crew.spinTurns { sched_yield() }
    }
    job = nil
  }

  private func claimChunks(worker: Int) {
    var current = Ticket(word: ticket.load(ordering: .acquiring))
    while current.hasChunk {
      let (chunk, word) = current.claiming(fromBack: worker % 2 == 1)
      let (claimed, found) = ticket.weakCompareExchange(
        expected: current.word, desired: word, ordering: .acquiringAndReleasing)
      if claimed {
        seg_call_loop_body(job, chunk, worker)
        done.add(1, ordering: .releasing)
        current = Ticket(word: ticket.load(ordering: .acquiring))
      } else {
        current = Ticket(word: found)
      }
    }
  }

  fileprivate func work(as worker: Int) {
    while !stopping.load(ordering: .relaxed) {
      claimChunks(worker: worker)
      var turns = 0
      while turns < Crew.spinTurns, !hasWork {
        seg_pause()
        turns += 1
      }
      if !hasWork { sleep() }
    }
  }

  private var hasWork: Bool {
    Ticket(word: ticket.load(ordering: .sequentiallyConsistent)).hasChunk
      || stopping.load(ordering: .sequentiallyConsistent)
  }

  private func sleep() {
    pthread_mutex_lock(mutex)
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while !hasWork { pthread_cond_wait(condition, mutex) }
    sleepers.subtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }

  private func wake() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }
}

/// A loop that is passed through C.
private struct Loop {
  let crew: Unmanaged<Crew>
  let count: Int
}

/// Calls `use` with the body's code and context, which stay valid until it returns. The function is C: Swift would allocate the context of
/// a closure on the heap in every loop, because other threads access it through memory.
@_silgen_name("seg_with_loop_body")
private func withLoopBody(
  _ body: (Int, Int) -> Void,
  _ use: @convention(c) (UnsafePointer<seg_loop_body>?, UnsafeMutableRawPointer?) -> Void,
  _ information: UnsafeMutableRawPointer)

private final class Entry {
  let crew: Crew
  let worker: Int

  init(crew: Crew, worker: Int) {
    self.crew = crew
    self.worker = worker
  }
}

#if os(Linux)
private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let entry = Unmanaged<Entry>.fromOpaque(argument!).takeRetainedValue()
  entry.crew.work(as: entry.worker)
  return nil
}

#else
private func workerMain(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  let entry = Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue()
  entry.crew.work(as: entry.worker)
  return nil
}

#endif
