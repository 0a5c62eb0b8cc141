// Where finished files go. An output is absent, old, or complete at its name, whatever happens: it is written without a
// name (O_TMPFILE) and linked into place, or renamed over the old file. Where the file system has no O_TMPFILE, a named
// temporary in the tree's .tessera/tmp takes its part; whatever an earlier run left there is swept at the start.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "workers/fd.h"

namespace tessera::pipeline {

/// An output being written. Without publish() nothing of it remains.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  std::uint64_t inode() const;
  std::uint64_t bytes() const;

 private:
  friend class OutputTree;
  void discard() noexcept;
  workers::Fd fd_;
  std::string temporary_;  // its name, if it has one
};

/// Not the picture's fault: no space, read-only, gone. The run has to stop.
class TreeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Too many files are open just now.
class NoDescriptors : public TreeError {
 public:
  using TreeError::TreeError;
};

class OutputTree {
 public:
  enum class Published : std::uint8_t { yes, exists };

  /// Creates the folder and .tessera inside; sweeps nothing yet. Throws TreeError.
  explicit OutputTree(std::string root);
  const std::string& root() const { return root_; }
  std::string path_of(const std::string& relative) const { return root_ + "/" + relative; }
  std::string private_folder() const { return root_ + "/.tessera"; }

  /// Removes what an earlier run left in .tessera/tmp: only for whoever holds the journal's lock.
  void sweep() const;
  /// A megabyte can be written and synced, and there is space for more.
  bool has_room();
  OutputFile create();  // throws TreeError
  /// Creates missing folders on the way. Without `replace` an existing name is left alone and answered with `exists`.
  /// A name that is a link is replaced itself, never its target. Throws TreeError, or ImageError for a name that the
  /// file system refuses.
  Published publish(OutputFile&&, const std::string& relative, bool replace);
  bool has_tmpfile() const { return has_tmpfile_; }

 private:
  std::string temporary_name();

  std::string root_;
  bool has_tmpfile_ = true;
  std::uint64_t counter_ = 0;
};

}  // namespace tessera::pipeline
