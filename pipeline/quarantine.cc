#include "pipeline/quarantine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "workers/fd.h"

namespace tessera::pipeline {
namespace {

constexpr mode_t kFileMode = 0666;  // less the umask

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

/// A file that must not be there yet; it is gone again unless all of it could be written.
template <class Fill>
void create_file(const std::string& path, const Fill& fill) {
  const workers::Fd file =
      workers::checked_fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode), path.c_str());
  try {
    fill(file.get());
  } catch (...) {
    unlink(path.c_str());
    throw;
  }
}

bool is_same_file(int fd, const std::string& path) {
  struct stat a {
  }, b{};
  return fstat(fd, &a) == 0 && lstat(path.c_str(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

std::string Quarantine::put(const Input& input, int fd, const std::string& sentence,
                            const FailureBundle& bundle) const {
  if (folder_.empty()) return "";
  try {
    const std::filesystem::path folder = std::filesystem::path(folder_) / input.relative_dir;
    std::filesystem::create_directories(folder);
    const std::string target = (folder / std::filesystem::path(input.path).filename()).string();
    const std::string by_fd = fmt::format("/proc/self/fd/{}", fd);
    if (linkat(AT_FDCWD, by_fd.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno == EEXIST && is_same_file(fd, target)) return "";  // put there by an earlier run, with its text
      if (errno == EEXIST) return fmt::format("{} is there already, and is another file", target);
      create_file(target, [&](int to) { copy_all(fd, to); });
    }
    const std::string text = to_text(bundle, input.path, sentence);
    create_file(target + ".txt", [&](int to) { write_all(to, text.data(), text.size()); });
  } catch (const std::system_error& e) {  // filesystem_error among them
    return e.what();
  }
  return "";
}

}  // namespace tessera::pipeline
