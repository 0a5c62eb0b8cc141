// Ways in which one process or thread wakes another one that sleeps. A bell is rung once for each time that somebody
// waits for it; it works between processes that were forked after it was made, the last kind between threads alone.
#pragma once

#include <memory>

namespace tessera::workers::costs {

class Bell {
 public:
  virtual ~Bell() = default;
  /// Throw std::system_error.
  virtual void ring() = 0;
  virtual void wait() = 0;
};

std::unique_ptr<Bell> pipe_bell();
std::unique_ptr<Bell> packet_bell();   // a one-byte message on a SOCK_SEQPACKET pair
std::unique_ptr<Bell> event_bell();    // eventfd
std::unique_ptr<Bell> futex_bell();    // a counter in shared memory; whoever waits sleeps at once and never spins
std::unique_ptr<Bell> condvar_bell();  // std::condition_variable: between threads

}  // namespace tessera::workers::costs
