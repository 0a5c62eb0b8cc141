#include "pipeline/open_input.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tessera::pipeline {

FailReason reason_of_open(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return FailReason::missing;
    case EACCES:
    case EPERM:
      return FailReason::unreadable;
    case EIO:
    case ESTALE:
      return FailReason::io_error;
    case ENXIO:  // a socket
    case ENODEV:
      return FailReason::special;
    default:
      return FailReason::image;
  }
}

std::string sentence_of_open(int error) {
  switch (reason_of_open(error)) {
    case FailReason::missing:
      return "there is no such file";
    case FailReason::unreadable:
      return fmt::format("it may not be read: {}", std::strerror(error));
    default:
      return fmt::format("it cannot be opened: {}", std::strerror(error));
  }
}

FailReason reason_of_path(const std::string& path) {
  struct stat s {};
  if (path.find('\0') != std::string::npos) return FailReason::missing;
  if (stat(path.c_str(), &s) != 0 || access(path.c_str(), R_OK) != 0) return reason_of_open(errno);
  return S_ISREG(s.st_mode) ? FailReason::image : FailReason::special;
}

void look_at_input(int fd, std::uint64_t& bytes, std::int64_t& modified_ns) {
  struct stat s {};
  if (fstat(fd, &s) != 0) return;
  bytes = static_cast<std::uint64_t>(s.st_size);
  modified_ns = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
}

}  // namespace tessera::pipeline
