// Jobs that have nothing to do with images. They run in forked workers as well, so nothing here knows Catch.
#pragma once

#include <cstdint>
#include <cstring>

#include "workers/job_context.h"

namespace tessera::workers::testing {

enum class Op : std::uint32_t {
  nothing,
  fill,             // block 0 with byte `a`
  sum,              // of block 0's bytes: answer word 0; word 1 is the slot
  sum_then_wait,    // the same, but answers only after descriptor 0 gave a byte; step(a) before it waits
  decline,          // answers that it would take `a` bytes
  fail,             // outcome failed, reason `a`
  throw_error,      // std::runtime_error, with a sentence
  throw_long,       // a sentence longer than the payload
  throw_bad_alloc,  //
  throw_number,     // not a std::exception
  bad_outcome,      // says that it crashed
  crash,            // SIGSEGV, after step(a)
  abort,            //
  exit,             // exit(a)
  store,            // writes `a` to block 0 without asking whether it may
  write,            // asks whether it may
  wait_fd,          // step(a), then waits for a byte of descriptor 0
  wait_cancel,      // until cancelled
  wait_for_ever,    // step(a), then nothing, whatever is said
  progress,         // 1, and then 2 .. a as fast as it can
  burn,             // `a` ms of CPU time
  burn_and_rest,    // the same, and 300 ms of none
  burn_cancel,      // CPU time until cancelled
  spin,             // progress, and then CPU time for ever
  rest,             // progress, and then `a` ms of no CPU time
  allocate,         // a vector of `a` bytes
  allocate_small,   // `a` bytes in pieces of 1000
  keep,             // `a` bytes, touched, that are never given back
  fill_on,          // block 0 and what follows it, `a` bytes in all, then waits for ever
  say,              // "out a" to stdout and "err a" to stderr
  say_and_crash,    // the same, and SIGSEGV
  flood,            // `a` MiB to stdout
  read_fd,          // up to 64 bytes of descriptor 0 into the answer; word 8 is fd_count()
  bad_fd,           // asks for a descriptor that did not come
  pid,              // answer word 0
  descriptors,      // how many are open here: answer word 0
};

struct Order {
  Op op = Op::nothing;
  std::uint64_t a = 0;
};

Job make_job(std::uint64_t id, Order, const Block& = {});
void run_test_job(JobContext&, Completion&);

/// Writes one word of the answer.
template <typename T>
void put(Completion& completion, std::size_t index, const T& value) {
  std::memcpy(completion.payload.data() + index * sizeof(T), &value, sizeof(T));
}

}  // namespace tessera::workers::testing
