// Processes in which costs are measured. They are forked from the caller, so they start with its memory, and they end
// with the object or the call that made them, with their parent, or after a time in which nothing takes that long.
#pragma once

#include <sys/types.h>

#include <functional>

#include "workers/costs/costs.h"

namespace tessera::workers::costs {

/// A child that runs `body` and exits. The destructor kills and reaps what is still running. Move nothing, copy
/// nothing: `body` may refer to what lives as long.
class Peer {
 public:
  /// The caller has one thread (asserted). Throws std::system_error when there can be no process.
  explicit Peer(const std::function<void()>& body);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  pid_t pid() const { return pid_; }
  /// Waits for its end. Throws std::system_error when `body` threw or a signal ended it.
  void finish();

 private:
  pid_t pid_ = -1;
};

/// What `body` returned, or the std::system_error that it threw, from a process of its own.
Measured in_helper(const std::function<Measured()>& body);

}  // namespace tessera::workers::costs
