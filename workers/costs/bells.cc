#include "workers/costs/bells.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <new>

#include "workers/fd.h"
#include "workers/mapping.h"

namespace tessera::workers::costs {
namespace {

/// Rung by writing T, waited for by reading it.
template <typename T>
class DescriptorBell : public Bell {
 public:
  DescriptorBell(Fd from, Fd to) : from_(std::move(from)), to_(std::move(to)) {}
  void ring() override {
    const T one = 1;
    while (::write(to_.get(), &one, sizeof(one)) != sizeof(one))
      if (errno != EINTR) throw_errno("write of a wake-up");
  }
  void wait() override {
    T value = 0;
    for (;;) {
      const ssize_t got = ::read(from_.get(), &value, sizeof(value));
      if (got == sizeof(value) && value == 1) return;
      if (got >= 0) throw std::system_error(EPROTO, std::generic_category(), "a wake-up is not the one that was sent");
      if (errno != EINTR) throw_errno("read of a wake-up");
    }
  }

 private:
  Fd from_, to_;
};

class FutexBell : public Bell {
 public:
  FutexBell()
      : memory_(page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, -1),
        rung_(new (memory_.data()) std::atomic<std::uint32_t>(0)) {}
  void ring() override {
    rung_->fetch_add(1, std::memory_order_release);
    ::syscall(SYS_futex, rung_, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  void wait() override {
    while (rung_->load(std::memory_order_acquire) == seen_)
      if (::syscall(SYS_futex, rung_, FUTEX_WAIT, seen_, nullptr, nullptr, 0) != 0 && errno != EAGAIN && errno != EINTR)
        throw_errno("futex");
    ++seen_;
  }

 private:
  Mapping memory_;
  std::atomic<std::uint32_t>* rung_;
  std::uint32_t seen_ = 0;  // of whoever waits: each process has its own
};

class CondvarBell : public Bell {
 public:
  void ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }
  void wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

}  // namespace

std::unique_ptr<Bell> pipe_bell() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe2");
  return std::make_unique<DescriptorBell<char>>(Fd(ends[0]), Fd(ends[1]));
}

std::unique_ptr<Bell> packet_bell() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
  return std::make_unique<DescriptorBell<char>>(Fd(ends[0]), Fd(ends[1]));
}

std::unique_ptr<Bell> event_bell() {
  Fd event = checked_fd(::eventfd(0, EFD_CLOEXEC), "eventfd");
  Fd same = checked_fd(::fcntl(event.get(), F_DUPFD_CLOEXEC, 0), "fcntl(F_DUPFD_CLOEXEC)");
  return std::make_unique<DescriptorBell<std::uint64_t>>(std::move(event), std::move(same));
}

std::unique_ptr<Bell> futex_bell() { return std::make_unique<FutexBell>(); }
std::unique_ptr<Bell> condvar_bell() { return std::make_unique<CondvarBell>(); }

}  // namespace tessera::workers::costs
