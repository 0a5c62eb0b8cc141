#include "pipeline/signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>

namespace tessera::pipeline {
namespace {

constexpr std::array<int, 3> kWatched{SIGINT, SIGTERM, SIGHUP};

// All that a handler may touch.
std::atomic<int> g_count{0}, g_first{0}, g_tolerated{0}, g_wakeup{-1};
static_assert(std::atomic<int>::is_always_lock_free);
pid_t g_owner = 0;  // the process whose object there is

extern "C" void note_signal(int number) {
  const int saved = errno;
  int none = 0;
  g_first.compare_exchange_strong(none, number);
  if (g_count.fetch_add(1) + 1 >= g_tolerated.load())
    for (const int watched : kWatched) {
      struct sigaction action {};
      if (sigaction(watched, nullptr, &action) == 0 && action.sa_handler == note_signal) signal(watched, SIG_DFL);
    }
  eventfd_write(g_wakeup.load(), 1);
  errno = saved;
}

}  // namespace

SignalWatch::SignalWatch(int tolerated)
    : wakeup_(workers::checked_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  assert(g_wakeup.load() == -1 || g_owner != getpid());  // a forked child may have one beside its parent's
  g_owner = getpid();
  g_count = g_first = 0;
  g_tolerated = tolerated;
  g_wakeup = wakeup_.get();
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kWatched.size(); ++i) {
    sigaction(kWatched[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) sigaction(kWatched[i], &action, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < kWatched.size(); ++i) sigaction(kWatched[i], &before_[i], nullptr);
  g_wakeup = -1;
}

void SignalWatch::take() const {
  eventfd_t count = 0;
  eventfd_read(wakeup_.get(), &count);
}

int SignalWatch::count() const { return g_count.load(); }
int SignalWatch::first() const { return g_first.load(); }

const char* signal_name(int number) {
  return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : number == SIGHUP ? "SIGHUP" : "a signal";
}

}  // namespace tessera::pipeline
