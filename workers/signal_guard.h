// Signals held back while a process forks: between fork and the child's own dispositions no handler of the parent may
// run in the child, where it would write into the parent's pipes.
#pragma once

#include <csignal>

namespace tessera::workers {

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { restore(); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

  /// What was let through before is let through again: for the child, once its dispositions are its own.
  void restore() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace tessera::workers
