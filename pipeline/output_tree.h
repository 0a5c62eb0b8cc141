// Where finished files go. An output is absent, old, or complete at its name, whatever happens: it is written without a
// name (O_TMPFILE) and linked into place, or renamed over the old file. Where the file system has no O_TMPFILE, a named
// temporary in the tree's .tessera/tmp takes its part; whatever an earlier run left there is swept at the start.
// Names are walked folder by folder from the root's descriptor: a symbolic link inside never leads out. The root itself
// may be one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "pipeline/folder_steps.h"
#include "workers/fd.h"

namespace tessera::pipeline {

/// What tells a file from another one of the same name, without reading it.
struct FileIdentity {
  std::uint64_t inode = 0, bytes = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

/// An output being written. Without publish() nothing of it remains.
class OutputFile {
 public:
  OutputFile() = default;
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();
  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  FileIdentity identity() const;
  std::uint64_t bytes() const { return identity().bytes; }

 private:
  friend class OutputTree;
  void discard() noexcept;
  workers::Fd fd_;
  std::string temporary_;  // its name in .tessera/tmp, if it has one
  int folder_ = -1;        // .tessera/tmp, which the tree holds open
};

class OutputTree {
 public:
  enum class Published : std::uint8_t { yes, exists };

  /// Creates the folder and .tessera inside; sweeps nothing yet. Throws TreeError, also for a .tessera that is a link.
  explicit OutputTree(std::string root);
  const std::string& root() const { return root_; }
  std::string path_of(const std::string& relative) const { return root_ + "/" + relative; }
  std::string private_folder() const { return root_ + "/.tessera"; }

  /// Removes what earlier runs left in .tessera/tmp, and nothing else that lies there: only for whoever holds the
  /// journal's lock.
  void sweep() const;
  /// A megabyte can be written and synced, and there is space for more.
  bool has_room();
  OutputFile create();  // throws TreeError
  /// Creates missing folders on the way. Without `replace` an existing name is left alone and answered with `exists`.
  /// A name that is a link is replaced itself, never its target. Throws TreeError, or ImageError for a name that the
  /// file system refuses or that leads through a link.
  Published publish(OutputFile&&, const std::string& relative, bool replace);
  /// The regular file of that name; nothing if there is none or it lies behind a link.
  std::optional<FileIdentity> find(const std::string& relative) const;
  /// Takes the name of that very file away. False: it has another file now, or none.
  bool remove(const std::string& relative, const FileIdentity&);
  /// Brings a file that is there to the disk; its folder with the next sync_folders(). Throws TreeError.
  void sync_file(const std::string& relative);
  /// Syncs the folders in which names changed since the last call. Throws TreeError.
  void sync_folders();
  /// A small file in .tessera, whole or not at all. Throws TreeError.
  void write_private(const std::string& name, std::string_view content);
  bool has_tmpfile() const { return has_tmpfile_; }

 private:
  workers::Fd folder_of(const std::string& relative, bool create) const;
  void fill_reserve() noexcept;
  void note_change(const std::string& relative);
  OutputFile create_named();
  std::string temporary_name();

  std::string root_;
  workers::Fd root_fd_, private_fd_, temporary_fd_;
  std::array<workers::Fd, 2> reserve_;  // for publish(): what is finished gets its name even when all others are in use
  bool has_tmpfile_ = true;
  std::uint64_t counter_ = 0;
  std::set<std::string> changed_;  // folders, relative
};

}  // namespace tessera::pipeline
