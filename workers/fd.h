// A file descriptor with exactly one owner.
#pragma once

#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace tessera::workers {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// Takes over what a system call returned; throws std::system_error with `what` when it is negative.
Fd checked_fd(int result, const char* what);
/// A second descriptor for each, close-on-exec. Throws std::system_error.
std::vector<Fd> duplicate_all(std::span<const int> fds);
/// Opens /dev/null for each of stdin, stdout and stderr that is closed: what is opened later must not get their
/// numbers, and messages in it. Throws std::system_error.
void open_standard_descriptors();
/// Throws std::system_error from errno.
[[noreturn]] void throw_errno(const char* what);

}  // namespace tessera::workers
