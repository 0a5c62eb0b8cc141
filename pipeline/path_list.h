// A list of paths on a descriptor: a file, a pipe, a terminal. Read without ever waiting, and without changing the
// descriptor, which may be shared with the shell (no O_NONBLOCK).
#pragma once

#include <optional>
#include <string>

#include "pipeline/input_set.h"

namespace tessera::pipeline {

class PathList {
 public:
  /// "-" is standard input. Throws UsageError when the list cannot be opened or is a folder.
  PathList(const std::string& file, ListSeparator);
  ~PathList();
  PathList(const PathList&) = delete;
  PathList& operator=(const PathList&) = delete;

  /// The next path, never empty. Nothing: not yet, or no more.
  std::optional<std::string> next();
  bool finished() const { return ended_ && buffer_.size() == begin_; }
  /// -1 for a file, which is always ready.
  int ready_fd() const { return waits_ && !finished() ? fd_ : -1; }
  /// Why the list ended early, once; a sentence.
  std::optional<std::string> take_error();

 private:
  /// False: nothing to read now.
  bool read_more();
  std::optional<std::string> take_line();
  void fail(std::string sentence);

  int fd_ = -1;
  bool owned_ = false, waits_ = false, ended_ = false;
  ListSeparator separator_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;  // buffer_[begin_, searched_) holds no separator
  std::optional<std::string> error_;
};

}  // namespace tessera::pipeline
