#include "workers/fd.h"

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

void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace tessera::workers
