#include "pipeline/readahead.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "workers/fd.h"

namespace tessera::pipeline {

void Readahead::announce(const Input& input) {
  if (input.bytes == 0 || bytes_ >= most_bytes_ || announced_.contains(input.index)) return;
  // Remembered whatever comes of it, so that nobody tries again.
  std::uint64_t& bytes = announced_[input.index];
  const workers::Fd fd(::open(input.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat s {};
  if (!fd || ::fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return;
  const std::uint64_t wanted = std::min(static_cast<std::uint64_t>(s.st_size), most_bytes_ - bytes_);
  if (::posix_fadvise(fd.get(), 0, static_cast<off_t>(wanted), POSIX_FADV_WILLNEED) != 0) return;
  bytes = wanted;
  bytes_ += wanted;
}

void Readahead::opened(const Input& input) {
  const auto found = announced_.find(input.index);
  if (found == announced_.end()) return;
  bytes_ -= found->second;
  announced_.erase(found);
}

}  // namespace tessera::pipeline
