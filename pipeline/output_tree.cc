#include "pipeline/output_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "pipeline/printable.h"
#include "stages/image.h"
#include "workers/kernel_features.h"

namespace tessera::pipeline {
namespace {
using workers::Fd;

constexpr mode_t kFileMode = 0666;  // less the umask

// .tessera and what is inside.
Fd open_own_folder(int parent, const std::string& name, const std::string& path) {
  try {
    Fd fd = open_folder(parent, name, path, true);
    if (!fd) throw TreeError(fmt::format("cannot use {} in the output folder: {}", path, std::strerror(errno)));
    return fd;
  } catch (const stages::ImageError& e) {
    throw TreeError(e.what());
  }
}

FileIdentity identity_of(const struct stat& s) {
  return {s.st_ino, static_cast<std::uint64_t>(s.st_size), s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec};
}

std::string name_in(const std::string& relative) { return relative.substr(relative.rfind('/') + 1); }

// process-number, as OutputTree names its temporaries.
bool is_temporary(const std::string& name) {
  constexpr const char* kDigits = "0123456789";
  const std::size_t dash = name.find_first_not_of(kDigits);
  return dash != std::string::npos && dash > 0 && name[dash] == '-' && dash + 1 < name.size() &&
         name.find_first_not_of(kDigits, dash + 1) == std::string::npos;
}

}  // namespace

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::move(other.fd_)), temporary_(std::exchange(other.temporary_, {})), folder_(other.folder_) {}
OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this != &other) {
    discard();
    fd_ = std::move(other.fd_);
    temporary_ = std::exchange(other.temporary_, {});
    folder_ = other.folder_;
  }
  return *this;
}
OutputFile::~OutputFile() { discard(); }
void OutputFile::discard() noexcept {
  if (!temporary_.empty()) unlinkat(folder_, temporary_.c_str(), 0);
  temporary_.clear();
  fd_.close();
}
FileIdentity OutputFile::identity() const {
  struct stat s {};
  fstat(fd_.get(), &s);
  return identity_of(s);
}

OutputTree::OutputTree(std::string root) : root_(std::move(root)) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) throw TreeError(fmt::format("cannot create the output folder {}: {}", printable(root_), error.message()));
  root_fd_ = Fd(open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root_fd_) fail_at("cannot open the output folder", root_);
  private_fd_ = open_own_folder(root_fd_.get(), ".tessera", ".tessera");
  temporary_fd_ = open_own_folder(private_fd_.get(), "tmp", ".tessera/tmp");
  struct stat journal {};
  if (fstatat(private_fd_.get(), "journal.sqlite", &journal, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(journal.st_mode))
    throw TreeError(fmt::format("{}/journal.sqlite is no regular file; move it away", printable(private_folder())));
  has_tmpfile_ = workers::has_tmpfile(root_.c_str());
  fill_reserve();
}

void OutputTree::sweep() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(private_folder() + "/tmp", ignored))
    if (const std::string name = entry.path().filename().string(); is_temporary(name))
      unlinkat(temporary_fd_.get(), name.c_str(), 0);
}

bool OutputTree::has_room() {
  constexpr std::uint64_t kSpare = 64 << 20;
  struct statvfs space {};
  if (fstatvfs(root_fd_.get(), &space) != 0 || space.f_bavail * space.f_frsize < kSpare) return false;
  try {
    const OutputFile file = create();
    const std::string megabyte(1 << 20, 'x');
    return write(file.fd(), megabyte.data(), megabyte.size()) == static_cast<ssize_t>(megabyte.size()) &&
           fsync(file.fd()) == 0;
  } catch (const TreeError&) {
    return false;
  }
}

std::string OutputTree::temporary_name() { return fmt::format("{}-{}", getpid(), counter_++); }

OutputFile OutputTree::create() {
  if (!has_tmpfile_) return create_named();
  OutputFile file;
  file.folder_ = temporary_fd_.get();
  file.fd_ = Fd(openat(root_fd_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode));
  if (!file.fd_) fail_at("cannot create a file in", root_);
  return file;
}

OutputFile OutputTree::create_named() {
  OutputFile file;
  file.folder_ = temporary_fd_.get();
  std::string name = temporary_name();
  file.fd_ = Fd(openat(file.folder_, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kFileMode));
  if (!file.fd_) fail_at("cannot create a file in", private_folder() + "/tmp");
  file.temporary_ = std::move(name);
  return file;
}

Fd OutputTree::folder_of(const std::string& relative, bool create) const {
  return folder_below(root_fd_.get(), root_, relative, create);
}

void OutputTree::fill_reserve() noexcept {
  for (Fd& fd : reserve_)
    if (!fd) fd = Fd(fcntl(root_fd_.get(), F_DUPFD_CLOEXEC, 0));
}

OutputTree::Published OutputTree::publish(OutputFile&& file, const std::string& relative, bool replace) {
  struct Refill {
    OutputTree& tree;
    ~Refill() { tree.fill_reserve(); }
  } const refill{*this};
  reserve_ = {};
  OutputFile owned = std::move(file);
  const Fd folder = folder_of(relative, true);
  const std::string name = name_in(relative), target = path_of(relative);
  const std::string by_fd = fmt::format("/proc/self/fd/{}", owned.fd());
  const int from_folder = owned.temporary_.empty() ? AT_FDCWD : temporary_fd_.get();
  const std::string& from = owned.temporary_.empty() ? by_fd : owned.temporary_;
  if (!replace) {
    bool linked = linkat(from_folder, from.c_str(), folder.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    // File systems without hard links: a rename that does not replace, for files that have a name.
    if (!linked && !owned.temporary_.empty() && (errno == EPERM || errno == EOPNOTSUPP)) {
      linked = renameat2(from_folder, from.c_str(), folder.get(), name.c_str(), RENAME_NOREPLACE) == 0;
      if (linked) owned.temporary_.clear();
    }
    if (!linked && errno == EEXIST) return Published::exists;
    if (!linked) fail_at("cannot create", target);
    note_change(relative);
    return Published::yes;
  }
  if (owned.temporary_.empty()) {
    std::string temporary = temporary_name();
    if (linkat(AT_FDCWD, by_fd.c_str(), temporary_fd_.get(), temporary.c_str(), AT_SYMLINK_FOLLOW) != 0)
      fail_at("cannot create a file in", private_folder() + "/tmp");
    owned.temporary_ = std::move(temporary);
  }
  if (renameat(temporary_fd_.get(), owned.temporary_.c_str(), folder.get(), name.c_str()) != 0)
    fail_at("cannot replace", target);
  owned.temporary_.clear();
  note_change(relative);
  return Published::yes;
}

std::optional<FileIdentity> OutputTree::find(const std::string& relative) const {
  try {
    const Fd folder = folder_of(relative, false);
    struct stat s {};
    if (!folder || fstatat(folder.get(), name_in(relative).c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(s.st_mode))
      return std::nullopt;
    return identity_of(s);
  } catch (const stages::ImageError&) {
    return std::nullopt;
  }
}

bool OutputTree::remove(const std::string& relative, const FileIdentity& file) {
  if (find(relative) != file) return false;
  const Fd folder = folder_of(relative, false);
  if (!folder || unlinkat(folder.get(), name_in(relative).c_str(), 0) != 0) return false;
  note_change(relative);
  return true;
}

void OutputTree::note_change(const std::string& relative) {
  // A new folder is a new name in its own folder, and so on up to the root.
  for (std::size_t slash = relative.rfind('/'); slash != std::string::npos; slash = relative.rfind('/', slash - 1))
    if (!changed_.insert(relative.substr(0, slash + 1)).second) return;
  changed_.insert("");
}

void OutputTree::sync_file(const std::string& relative) {
  const Fd folder = folder_of(relative, false);
  const Fd file(openat(folder.get(), name_in(relative).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file || fsync(file.get()) != 0) fail_at("cannot sync", path_of(relative));
  note_change(relative);
}

void OutputTree::sync_folders() {
  for (const std::string& path : changed_) {
    const Fd folder = folder_of(path, false);
    if (!folder || fsync(folder.get()) != 0) fail_at("cannot sync the folder", path_of(path));
  }
  changed_.clear();
}

void OutputTree::write_private(const std::string& name, std::string_view content) {
  OutputFile file = create_named();
  const std::string path = private_folder() + "/" + name;
  const ssize_t written = write(file.fd(), content.data(), content.size());
  if (written >= 0 && static_cast<std::size_t>(written) < content.size()) errno = ENOSPC;
  if (written != static_cast<ssize_t>(content.size()) ||
      renameat(file.folder_, file.temporary_.c_str(), private_fd_.get(), name.c_str()) != 0)
    fail_at("cannot write", path);
  file.temporary_.clear();
}

}  // namespace tessera::pipeline
