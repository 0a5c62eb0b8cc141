#include "pipeline/path_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tessera::pipeline {
namespace {

constexpr std::size_t kReadBytes = 1 << 16;
constexpr std::size_t kMaxLineBytes = 1 << 16;  // 16 times the longest path: more is not a list of paths

}  // namespace

PathList::PathList(const std::string& file, ListSeparator separator) : separator_(separator) {
  owned_ = file != "-";
  fd_ = owned_ ? open(file.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  struct stat status {};
  if (fd_ < 0 || fstat(fd_, &status) != 0)
    throw UsageError(fmt::format("the list '{}' cannot be opened: {}", file, std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) {
    if (owned_) close(fd_);
    throw UsageError(fmt::format("'{}' is a folder, not a list of files", file));
  }
  waits_ = !S_ISREG(status.st_mode);
}

PathList::~PathList() {
  if (owned_) close(fd_);
}

std::optional<std::string> PathList::next() {
  for (;;) {
    if (auto line = take_line()) {
      if (!line->empty()) return line;
      continue;
    }
    if (ended_ || !read_more()) return std::nullopt;
  }
}

std::optional<std::string> PathList::take_error() { return std::exchange(error_, std::nullopt); }

std::optional<std::string> PathList::take_line() {
  if (begin_ == buffer_.size()) return std::nullopt;
  if (separator_ == ListSeparator::detect) {
    if (buffer_.find('\0') != std::string::npos)
      separator_ = ListSeparator::nul;
    else if (buffer_.find('\n') != std::string::npos)
      separator_ = ListSeparator::newline;
  }
  const bool nul = separator_ == ListSeparator::nul;
  const std::size_t found =
      separator_ == ListSeparator::detect ? std::string::npos : buffer_.find(nul ? '\0' : '\n', searched_);
  searched_ = std::min(found, buffer_.size());
  if (found == std::string::npos && !ended_) {
    if (buffer_.size() - begin_ > kMaxLineBytes)
      fail(fmt::format("the list has a line of more than {} bytes; it is not a list of paths", kMaxLineBytes));
    return std::nullopt;
  }
  std::string line = buffer_.substr(begin_, searched_ - begin_);
  if (!nul && line.ends_with('\r')) line.pop_back();
  begin_ = searched_ = std::min(searched_ + 1, buffer_.size());
  return line;
}

bool PathList::read_more() {
  pollfd ready{fd_, POLLIN, 0};
  if (waits_ && poll(&ready, 1, 0) <= 0) return false;
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const std::size_t old = buffer_.size();
  buffer_.resize(old + kReadBytes);
  const ssize_t got = read(fd_, buffer_.data() + old, kReadBytes);
  const int error = errno;
  buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return true;
  if (got < 0 && (error == EINTR || error == EAGAIN)) return false;
  if (got < 0) fail(fmt::format("the list cannot be read further: {}", std::strerror(error)));
  ended_ = true;
  return true;
}

void PathList::fail(std::string sentence) {
  error_ = std::move(sentence);
  ended_ = true;
  buffer_.clear();
  begin_ = searched_ = 0;
}

}  // namespace tessera::pipeline
