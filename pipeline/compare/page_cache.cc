#include "pipeline/compare/page_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pipeline/environment_error.h"
#include "pipeline/printable.h"
#include "workers/fd.h"
#include "workers/mapping.h"

namespace tessera::pipeline {
namespace {

using workers::Fd;

Fd open_to_read(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

[[noreturn]] void fail(const char* what, const std::string& path) {
  throw EnvironmentError(fmt::format("{} {}: {}", what, printable(path), std::strerror(errno)));
}

/// mincore says "resident" of everything to those who may not know (Linux 5.2 and newer).
bool may_know(const std::string& path, const struct stat& status) {
  return status.st_uid == ::geteuid() || ::access(path.c_str(), W_OK) == 0;
}

}  // namespace

void warm_page_cache(const std::vector<std::string>& paths) {
  std::vector<char> buffer(1 << 20);
  for (const std::string& path : paths) {
    const Fd file = open_to_read(path);
    ssize_t got = file ? 1 : -1;
    while (got > 0 || (got < 0 && file && errno == EINTR)) got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) fail("cannot read", path);
  }
}

Dropped drop_page_cache(const std::vector<std::string>& paths) {
  ::sync();  // dirty pages are never dropped
  for (const std::string& path : paths)
    if (const Fd file = open_to_read(path)) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  const Fd control(::open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));
  constexpr char kPageCache = '1';
  return control && ::write(control.get(), &kPageCache, 1) == 1 ? Dropped::everything : Dropped::these_files;
}

std::optional<double> resident_part(const std::vector<std::string>& paths) {
  const std::uint64_t page = workers::page_bytes();
  std::uint64_t pages = 0, resident = 0;
  std::vector<unsigned char> in_core;
  for (const std::string& path : paths) {
    const Fd file = open_to_read(path);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || status.st_size <= 0 || !may_know(path, status)) continue;
    const auto bytes = static_cast<std::size_t>(status.st_size);
    const workers::Mapping mapping(bytes, PROT_READ, MAP_SHARED, file.get());  // asked about, never touched
    in_core.assign((bytes + page - 1) / page, 0);
    if (::mincore(mapping.data(), bytes, in_core.data()) != 0) continue;
    pages += in_core.size();
    resident +=
        static_cast<std::uint64_t>(std::ranges::count_if(in_core, [](unsigned char c) { return (c & 1) != 0; }));
  }
  if (pages == 0) return std::nullopt;
  return static_cast<double>(resident) / static_cast<double>(pages);
}

void settle_writes(const std::string& folder) {
  const Fd place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place || ::syncfs(place.get()) != 0) fail("cannot wait for what is written to", folder);
}

}  // namespace tessera::pipeline
