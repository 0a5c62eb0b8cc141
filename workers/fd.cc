#include "workers/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace tessera::workers {

void Fd::close() noexcept {
  if (fd_ >= 0) ::close(fd_);  // Linux frees the number even on EINTR: never repeated
  fd_ = -1;
}

Fd checked_fd(int result, const char* what) {
  if (result < 0) throw_errno(what);
  return Fd(result);
}

std::vector<Fd> duplicate_all(std::span<const int> fds) {
  std::vector<Fd> copies;
  copies.reserve(fds.size());
  for (const int fd : fds) copies.push_back(checked_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl(F_DUPFD_CLOEXEC)"));
  return copies;
}

void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd)
      throw_errno("open of /dev/null for a standard descriptor");
}

void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace tessera::workers
