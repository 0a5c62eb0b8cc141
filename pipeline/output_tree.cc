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

#include "stages/image.h"

namespace tessera::pipeline {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  const int error = errno;
  const std::string sentence = fmt::format("{} {}: {}", what, path, std::strerror(error));
  const bool name = error == ENAMETOOLONG || error == ENOTDIR || error == EISDIR || error == ELOOP || error == EINVAL ||
                    error == EILSEQ;
  if (name) throw stages::ImageError(sentence);
  if (error == EMFILE || error == ENFILE) throw NoDescriptors(sentence);
  throw TreeError(sentence);
}

void make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return;
  fail("cannot create the folder", path);
}

struct stat stat_of(int fd) {
  struct stat s {};
  fstat(fd, &s);
  return s;
}

}  // namespace

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::move(other.fd_)), temporary_(std::exchange(other.temporary_, {})) {}
OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this != &other) {
    discard();
    fd_ = std::move(other.fd_);
    temporary_ = std::exchange(other.temporary_, {});
  }
  return *this;
}
OutputFile::~OutputFile() { discard(); }
void OutputFile::discard() noexcept {
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
  fd_.close();
}
std::uint64_t OutputFile::inode() const { return stat_of(fd_.get()).st_ino; }
std::uint64_t OutputFile::bytes() const { return static_cast<std::uint64_t>(stat_of(fd_.get()).st_size); }

OutputTree::OutputTree(std::string root) : root_(std::move(root)) {
  while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  std::error_code error;
  std::filesystem::create_directories(root_, error);
  if (error) throw TreeError(fmt::format("cannot create the output folder {}: {}", root_, error.message()));
  make_folder(private_folder());
  make_folder(private_folder() + "/tmp");
  const int probe = open(root_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode);
  has_tmpfile_ = probe >= 0;
  if (probe >= 0) close(probe);
}

void OutputTree::sweep() const {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(private_folder() + "/tmp", ignored))
    std::filesystem::remove(entry.path(), ignored);
}

bool OutputTree::has_room() {
  constexpr std::uint64_t kSpare = 64 << 20;
  struct statvfs space {};
  if (statvfs(root_.c_str(), &space) != 0 || space.f_bavail * space.f_frsize < kSpare) return false;
  try {
    const OutputFile file = create();
    const std::string megabyte(1 << 20, 'x');
    return write(file.fd(), megabyte.data(), megabyte.size()) == static_cast<ssize_t>(megabyte.size()) &&
           fsync(file.fd()) == 0;
  } catch (const TreeError&) {
    return false;
  }
}

std::string OutputTree::temporary_name() { return fmt::format("{}/tmp/{}-{}", private_folder(), getpid(), counter_++); }

OutputFile OutputTree::create() {
  OutputFile file;
  if (has_tmpfile_) {
    file.fd_ = workers::Fd(open(root_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kFileMode));
    if (!file.fd_) fail("cannot create a file in", root_);
    return file;
  }
  std::string name = temporary_name();
  file.fd_ = workers::Fd(open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kFileMode));
  if (!file.fd_) fail("cannot create", name);
  file.temporary_ = std::move(name);
  return file;
}

OutputTree::Published OutputTree::publish(OutputFile&& file, const std::string& relative, bool replace) {
  OutputFile owned = std::move(file);
  const std::string target = path_of(relative);
  for (auto slash = relative.find('/'); slash != std::string::npos; slash = relative.find('/', slash + 1))
    make_folder(path_of(relative.substr(0, slash)));
  const std::string by_fd = fmt::format("/proc/self/fd/{}", owned.fd());
  const std::string& from = owned.temporary_.empty() ? by_fd : owned.temporary_;
  if (!replace) {
    if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return Published::yes;
    if (errno == EEXIST) return Published::exists;
    // File systems without hard links: a rename that does not replace, for files that have a name.
    if (!owned.temporary_.empty() && (errno == EPERM || errno == EOPNOTSUPP)) {
      if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
        owned.temporary_.clear();
        return Published::yes;
      }
      if (errno == EEXIST) return Published::exists;
    }
    fail("cannot create", target);
  }
  if (owned.temporary_.empty()) {
    std::string name = temporary_name();
    if (linkat(AT_FDCWD, by_fd.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) fail("cannot create", name);
    owned.temporary_ = std::move(name);
  }
  if (rename(owned.temporary_.c_str(), target.c_str()) != 0) fail("cannot replace", target);
  owned.temporary_.clear();
  return Published::yes;
}

}  // namespace tessera::pipeline
