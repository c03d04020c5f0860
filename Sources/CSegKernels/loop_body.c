// The body of a parallel loop, a Swift closure that does not escape, as two words in memory that several threads read.
//
// By Swift's calling convention such a closure is passed as its code and its context, and called with the context in a register of
// its own; clang knows both as `swiftcall` and `swift_context`.

#include "CSegKernels.h"

typedef __attribute__((swiftcall)) void (*loop_code)(long index, long worker, __attribute__((swift_context)) const void *context);

__attribute__((swiftcall)) void seg_with_loop_body(const void *code, const void *context,
                                                   void (*use)(const seg_loop_body *, void *), void *information) {
  seg_loop_body body = {code, context};
  use(&body, information);
}

void seg_call_loop_body(const seg_loop_body *body, long index, long worker) {
  ((loop_code)body->code)(index, worker, body->context);
}
