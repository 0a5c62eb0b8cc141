// What a faulty library does to the process that it runs in, done on purpose. For injected faults alone. Each is the
// real thing: none returns, none is simulated, and none harms anything beyond its process.
#pragma once

#include <malloc.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace tessera::workers {

/// Sanitizers and test programs catch this signal; a real library's crash would be a plain one.
inline void die_plainly_of(int signal) { std::signal(signal, SIG_DFL); }

/// Writes where nothing is mapped, into the first page: SIGSEGV. Not to null: a sanitizer would see that coming.
inline void write_nowhere() {
  die_plainly_of(SIGSEGV);
  volatile int* volatile nowhere = reinterpret_cast<volatile int*>(16);
  *nowhere = 1;
}

/// A frame of 4 KiB for each level. The write and the sum keep the compiler from making a loop of it.
__attribute__((noinline)) inline int recurse(int depth) {
  std::array<volatile char, 4096> frame;
  frame[static_cast<std::size_t>(depth) % frame.size()] = 1;
  return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

/// Runs into the guard page of this thread's stack: SIGSEGV.
inline void overflow_stack() {
  die_plainly_of(SIGSEGV);
  recurse(0);
}

[[noreturn]] inline void loop_for_ever() {
  std::atomic<std::uint64_t> turns = 0;
  for (;;) turns.fetch_add(1, std::memory_order_relaxed);
}

/// Writes past the end of a buffer, over the size that malloc keeps of the block after it, and gives the buffer back:
/// glibc looks at that size before it joins free blocks, and aborts ("free(): invalid next size"). A buffer too large
/// for the thread's cache, which would take it back without a look. Returns where the allocator has no such bookkeeping
/// (sanitizers bring their own).
inline void corrupt_heap() {
  constexpr std::size_t kBytes = 5000;
  char* volatile buffer = static_cast<char*>(std::malloc(kBytes));
  if (buffer == nullptr) return;
  die_plainly_of(SIGABRT);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  volatile char* const end = buffer + malloc_usable_size(buffer);
  for (std::size_t i = 0; i < sizeof(std::size_t); ++i) end[i] = static_cast<char>(0xff);
#endif
  std::free(buffer);
}

}  // namespace tessera::workers
