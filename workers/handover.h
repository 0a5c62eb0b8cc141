// What ThreadSanitizer cannot see: memory handed from one thread to another by way of oneTBB, which Debian does not
// instrument, or by way of the coordinator, another process (a job's answer goes out, and the next job comes in to another
// slot). The giver calls before_handover(), the taker after_handover(). Other builds do nothing.
#pragma once

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace tessera::workers {

#ifdef __SANITIZE_THREAD__
inline char handover;
inline void before_handover() { __tsan_release(&handover); }
inline void after_handover() { __tsan_acquire(&handover); }
#else
inline void before_handover() {}
inline void after_handover() {}
#endif

}  // namespace tessera::workers
