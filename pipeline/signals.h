// INT, TERM and HUP of a run: counted instead of ending the process, so that a batch can be ended in order. What each
// signal means is the coordinator's business. One object at a time; a signal that was ignored from outside (nohup)
// stays ignored.
#pragma once

#include <array>
#include <csignal>

#include "workers/fd.h"

namespace tessera::pipeline {

class SignalWatch {
 public:
  /// So many signals are counted; the next one does what it does by default. Throws std::system_error.
  explicit SignalWatch(int tolerated);
  /// What was there before is there again.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  /// Polls readable once a signal came, until take().
  int fd() const { return wakeup_.get(); }
  void take() const;
  int count() const;
  int first() const;  // its number; 0: none came

 private:
  workers::Fd wakeup_;
  std::array<struct sigaction, 3> before_{};
};

/// "SIGINT"
const char* signal_name(int number);

}  // namespace tessera::pipeline
