#include "pipeline/quarantine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "pipeline/folder_steps.h"
#include "pipeline/glob.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "workers/fd.h"

namespace tessera::pipeline {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask
constexpr const char* kReport = ".txt";
constexpr unsigned kMostOfOneName = 10'000;

bool link_into(int folder, int fd, const std::string& name) {
  const std::string by_fd = fmt::format("/proc/self/fd/{}", fd);
  return linkat(AT_FDCWD, by_fd.c_str(), folder, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

void write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) workers::throw_errno("write");
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
}

void copy_all(int from, int to) {
  std::array<char, 1 << 16> buffer;
  for (off_t at = 0;;) {
    const ssize_t n = pread(from, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) workers::throw_errno("read");
    if (n == 0) return;
    write_all(to, buffer.data(), static_cast<std::size_t>(n));
    at += n;
  }
}

/// A file that appears under its name whole or not at all, and never replaces another.
class NewFile {
 public:
  explicit NewFile(int folder)
      : folder_(folder), fd_(openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kFileMode)) {
    if (fd_) return;
    temporary_ = fmt::format(".tessera-{}", getpid());
    fd_ = workers::checked_fd(
        openat(folder, temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode),
        temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!temporary_.empty()) unlinkat(folder_, temporary_.c_str(), 0);
  }
  int fd() const { return fd_.get(); }
  /// False: the name is taken.
  bool appear_as(const std::string& name) {
    const bool there = temporary_.empty()
                           ? link_into(folder_, fd_.get(), name)
                           : renameat2(folder_, temporary_.c_str(), folder_, name.c_str(), RENAME_NOREPLACE) == 0;
    if (!there && errno != EEXIST) workers::throw_errno(name.c_str());
    if (there) temporary_.clear();
    return there;
  }

 private:
  int folder_;
  workers::Fd fd_;
  std::string temporary_;  // where the file system knows no files without a name
};

bool is_there(int folder, const std::string& name) {
  struct stat s {};
  return fstatat(folder, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0;
}

/// The input itself, or a copy that an earlier run made.
bool holds_input(int folder, const std::string& name, int input) {
  const workers::Fd fd(openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat a {
  }, b{};
  if (!fd || fstat(fd.get(), &a) != 0 || fstat(input, &b) != 0 || !S_ISREG(a.st_mode)) return false;
  if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) return true;
  return a.st_size == b.st_size && FdSource(fd.get()).hash_all() == FdSource(input).hash_all();
}

/// "a.jpg", "a~2.jpg", "a~3.jpg", ...
std::string candidate(const std::filesystem::path& name, unsigned n) {
  if (n == 1) return name.string();
  return fmt::format("{}~{}{}", name.stem().string(), n, name.extension().string());
}

/// True: the input has that name now, or had it already.
bool place(int folder, const std::string& name, int input) {
  if (is_there(folder, name)) return holds_input(folder, name, input);
  if (is_there(folder, name + kReport)) return false;  // that of a picture which somebody took away
  if (link_into(folder, input, name)) return true;
  if (errno == EEXIST) return false;
  NewFile copy(folder);
  copy_all(input, copy.fd());
  return copy.appear_as(name);
}

std::filesystem::path canonical(const std::string& path) {
  std::filesystem::path whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path));
  return whole.has_filename() ? whole : whole.parent_path();  // "a/" is "a"
}

bool is_inside(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

/// Folders in which a source looks for pictures. A file's own folder is none: only its very name is taken.
std::vector<std::string> folders_of(const std::string& source) {
  if (std::filesystem::is_directory(source)) return {source};
  if (std::filesystem::exists(source) || !has_glob_characters(source)) return {};
  std::vector<std::string> folders;
  for (const std::string& pattern : expand_braces(source))
    if (const SplitGlob split = split_glob(pattern); !split.components.empty()) folders.push_back(split.folder);
  return folders;
}

}  // namespace

void check_quarantine(const std::string& folder, const std::string& output, const std::vector<InputSource>& sources) {
  if (folder.empty()) return;
  const std::filesystem::path aside = canonical(folder);
  const auto refuse = [&](const char* what, const std::string& path) {
    throw UsageError(fmt::format("--quarantine {}: it lies in {} {}; give it a folder of its own", printable(folder),
                                 what, printable(path)));
  };
  if (is_inside(aside, canonical(output))) refuse("the output folder", output);
  for (const InputSource& source : sources) {
    if (source.kind != InputSource::Kind::path) continue;
    for (const std::string& inputs : folders_of(source.text))
      if (is_inside(aside, canonical(inputs))) refuse("the input folder", inputs);
    if (!std::filesystem::is_directory(source.text) && aside == canonical(source.text).parent_path())
      throw UsageError(fmt::format("--quarantine {}: {} lies there already; give it a folder of its own",
                                   printable(folder), printable(source.text)));
  }
}

std::string Quarantine::put(const Input& input, int fd, const std::string& sentence,
                            const FailureBundle& bundle) const {
  if (folder_.empty()) return "";
  try {
    std::filesystem::create_directories(folder_);
    const workers::Fd root =
        workers::checked_fd(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder_.c_str());
    const std::filesystem::path file = std::filesystem::path(input.path).filename();
    const workers::Fd folder =
        folder_below(root.get(), folder_, (std::filesystem::path(input.relative_dir) / file).string(), true);
    for (unsigned n = 1; n <= kMostOfOneName; ++n) {
      const std::string name = candidate(file, n);
      if (!place(folder.get(), name, fd)) continue;
      if (is_there(folder.get(), name + kReport)) return "";  // put there by an earlier run
      NewFile report(folder.get());
      const std::string text = to_text(bundle, input.path, sentence);
      write_all(report.fd(), text.data(), text.size());
      report.appear_as(name + kReport);
      return "";
    }
    return fmt::format("{} files are called {} there already", kMostOfOneName, file.string());
  } catch (const std::runtime_error& e) {  // filesystem_error, TreeError, ImageError among them
    return e.what();
  }
}

}  // namespace tessera::pipeline
