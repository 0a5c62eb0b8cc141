// Preloaded into the program: system calls that fail when a test says so.
//   TESSERA_IO_FAULT="call:n:error[:path part]"
// The n-th call (from 1, counted over all processes of the run; "n+" means that one and every later one) of `call`
// fails with `error`: a number, or the name of one; "short" makes a write take half of its bytes, and none of one. With
// a path part only calls on files whose path contains it count: by name, or by descriptor where /proc can be read (not
// inside the sandbox). Calls: openat (all of the open family), pread, pwrite, write, fsync (and fdatasync), linkat,
// rename (and renameat2), mkdir, ftruncate, fork, socketpair, memfd_create, pidfd_open.
//   TESSERA_IO_FAULT="clock:MS:SECONDS": MS after the start of the program the wall clock jumps by so many seconds.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

namespace {

constexpr int kShort = -1;

// Not through the call that is interposed below.
void read_clock(clockid_t clock, timespec& now) { ::syscall(SYS_clock_gettime, clock, &now); }

struct Plan {
  std::string call, path;
  unsigned long turn = 0;
  bool onwards = false;
  int error = 0;
  std::atomic<unsigned long>* passed = nullptr;
  timespec started{};

  Plan() {
    read_clock(CLOCK_MONOTONIC, started);
    const char* text = std::getenv("TESSERA_IO_FAULT");
    if (!text) return;
    std::array<std::string, 4> words;
    std::string rest = text;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto colon = i + 1 < words.size() ? rest.find(':') : std::string::npos;
      words[i] = rest.substr(0, colon);
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
    call = words[0], path = words[3];
    turn = std::strtoul(words[1].c_str(), nullptr, 10);
    onwards = words[1].ends_with('+');
    error = number_of(words[2]);
    void* page = ::mmap(nullptr, sizeof *passed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) passed = new (page) std::atomic<unsigned long>(0);
  }

  static int number_of(const std::string& name) {
    for (const auto& [known, number] :
         {std::pair{"EIO", EIO}, std::pair{"ENOSPC", ENOSPC}, std::pair{"EDQUOT", EDQUOT}, std::pair{"EFBIG", EFBIG},
          std::pair{"EAGAIN", EAGAIN}, std::pair{"EMFILE", EMFILE}, std::pair{"ENOMEM", ENOMEM},
          std::pair{"EROFS", EROFS}, std::pair{"ENOSYS", ENOSYS}, std::pair{"EOPNOTSUPP", EOPNOTSUPP},
          std::pair{"EINTR", EINTR}, std::pair{"short", kShort}})
      if (name == known) return number;
    return std::atoi(name.c_str());
  }
};

const Plan& plan() {
  static const Plan one;
  return one;
}
// Made before main: every process of the run shares the count.
[[maybe_unused]] const Plan& made_early = plan();

std::string path_of(int fd) {
  std::array<char, 4096> path;
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const auto length = ::readlink(link.c_str(), path.data(), path.size());
  return length < 0 ? "" : std::string(path.data(), static_cast<std::size_t>(length));
}

// glibc's own takes names, too, and is refused in the sandbox.
bool status_of(int fd, struct stat& s) { return ::syscall(SYS_fstat, fd, &s) == 0; }

bool matches_fd(const std::string& wanted, int fd) {
  struct stat s {};
  if (wanted == "unnamed") return status_of(fd, s) && S_ISREG(s.st_mode) && s.st_nlink == 0;
  if (wanted.starts_with("inode="))
    return status_of(fd, s) && std::to_string(s.st_ino) == wanted.substr(std::strlen("inode="));
  return path_of(fd).find(wanted) != std::string::npos;
}

// 0: go on. An error, or kShort, when it is this call's turn.
template <class Matches>
int verdict(const char* call, Matches matches) {
  const Plan& p = plan();
  if (!p.passed || p.call != call) return 0;
  if (!p.path.empty() && !matches(p.path)) return 0;
  const unsigned long turn = p.passed->fetch_add(1) + 1;
  return turn == p.turn || (p.onwards && turn > p.turn) ? p.error : 0;
}
int verdict_fd(const char* call, int fd) {
  return verdict(call, [fd](const std::string& wanted) { return matches_fd(wanted, fd); });
}
int verdict_name(const char* call, const char* name) {
  return verdict(call, [name](const std::string& wanted) { return name && std::strstr(name, wanted.c_str()); });
}
int verdict_any(const char* call) {
  return verdict(call, [](const std::string&) { return false; });
}

// In seconds: 0 before its moment.
time_t jump_of_wall_clock() {
  const Plan& p = plan();
  if (p.call != "clock") return 0;
  timespec now{};
  read_clock(CLOCK_MONOTONIC, now);
  const long ms = (now.tv_sec - p.started.tv_sec) * 1000 + (now.tv_nsec - p.started.tv_nsec) / 1'000'000;
  return ms >= static_cast<long>(p.turn) ? p.error : 0;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <class Result = int>
Result fail(int error) {
  errno = error;
  return Result(-1);
}

std::size_t shortened(int verdict, std::size_t bytes) { return verdict == kShort ? (bytes + 1) / 2 : bytes; }

ssize_t any_pwrite(const char* name, int fd, const void* data, std::size_t bytes, off_t at) {
  const int error = verdict_fd("pwrite", fd);
  if (error > 0) return fail<ssize_t>(error);
  return next<ssize_t(int, const void*, std::size_t, off_t)>(name)(fd, data, shortened(error, bytes), at);
}
ssize_t any_pread(const char* name, int fd, void* data, std::size_t bytes, off_t at) {
  const int error = verdict_fd("pread", fd);
  if (error > 0) return fail<ssize_t>(error);
  return next<ssize_t(int, void*, std::size_t, off_t)>(name)(fd, data, shortened(error, bytes), at);
}
int any_open(const char* name, int folder, const char* path, int flags, mode_t mode) {
  const char* call = (flags & O_TMPFILE) == O_TMPFILE ? "tmpfile" : "openat";
  if (const int error = verdict_name(call, path); error > 0) return fail(error);
  return next<int(int, const char*, int, ...)>(name)(folder, path, flags, mode);
}
mode_t mode_from(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : mode_t{0};
}

}  // namespace

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t at) { return any_pwrite("pwrite", fd, data, bytes, at); }
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t at) {
  return any_pwrite("pwrite64", fd, data, bytes, at);
}
ssize_t pread(int fd, void* data, size_t bytes, off_t at) { return any_pread("pread", fd, data, bytes, at); }
ssize_t pread64(int fd, void* data, size_t bytes, off_t at) { return any_pread("pread64", fd, data, bytes, at); }
ssize_t write(int fd, const void* data, size_t bytes) {
  const int error = verdict_fd("write", fd);
  if (error > 0) return fail<ssize_t>(error);
  return next<ssize_t(int, const void*, size_t)>("write")(fd, data, shortened(error, bytes));
}
int fsync(int fd) {
  if (const int error = verdict_fd("fsync", fd); error > 0) return fail(error);
  return next<int(int)>("fsync")(fd);
}
int fdatasync(int fd) {
  if (const int error = verdict_fd("fsync", fd); error > 0) return fail(error);
  return next<int(int)>("fdatasync")(fd);
}
int ftruncate(int fd, off_t bytes) noexcept {
  if (const int error = verdict_fd("ftruncate", fd); error > 0) return fail(error);
  return next<int(int, off_t)>("ftruncate")(fd, bytes);
}
int ftruncate64(int fd, off_t bytes) noexcept {
  if (const int error = verdict_fd("ftruncate", fd); error > 0) return fail(error);
  return next<int(int, off_t)>("ftruncate64")(fd, bytes);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_from(flags, more);
  va_end(more);
  return any_open("openat", folder, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_from(flags, more);
  va_end(more);
  return any_open("openat", AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_from(flags, more);
  va_end(more);
  return any_open("openat", AT_FDCWD, path, flags, mode);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  if (const int error = verdict_name("linkat", to); error > 0) return fail(error);
  return next<int(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to, flags);
}
int rename(const char* from, const char* to) noexcept {
  if (const int error = verdict_name("rename", to); error > 0) return fail(error);
  return next<int(const char*, const char*)>("rename")(from, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (const int error = verdict_name("rename", to); error > 0) return fail(error);
  return next<int(int, const char*, int, const char*, unsigned)>("renameat2")(from_folder, from, to_folder, to, flags);
}
int mkdir(const char* path, mode_t mode) noexcept {
  if (const int error = verdict_name("mkdir", path); error > 0) return fail(error);
  return next<int(const char*, mode_t)>("mkdir")(path, mode);
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  if (const int error = verdict_name("mkdir", path); error > 0) return fail(error);
  return next<int(int, const char*, mode_t)>("mkdirat")(folder, path, mode);
}
pid_t fork() noexcept {
  if (const int error = verdict_any("fork"); error > 0) return fail<pid_t>(error);
  return next<pid_t()>("fork")();
}
int socketpair(int domain, int type, int protocol, int* ends) noexcept {
  if (const int error = verdict_any("socketpair"); error > 0) return fail(error);
  return next<int(int, int, int, int*)>("socketpair")(domain, type, protocol, ends);
}
int memfd_create(const char* name, unsigned flags) noexcept {
  if (const int error = verdict_name("memfd_create", name); error > 0) return fail(error);
  return next<int(const char*, unsigned)>("memfd_create")(name, flags);
}
int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const int result = next<int(clockid_t, timespec*)>("clock_gettime")(clock, now);
  if (clock == CLOCK_REALTIME && result == 0) now->tv_sec += jump_of_wall_clock();
  return result;
}
int gettimeofday(timeval* now, void* zone) noexcept {
  const int result = next<int(timeval*, void*)>("gettimeofday")(now, zone);
  if (result == 0) now->tv_sec += jump_of_wall_clock();
  return result;
}
time_t time(time_t* out) noexcept {
  const time_t now = next<time_t(time_t*)>("time")(nullptr) + jump_of_wall_clock();
  if (out) *out = now;
  return now;
}
// The pidfd calls are made through syscall(): glibc 2.36 cannot be included for them in C++.
long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  std::array<long, 6> a;
  for (long& argument : a) argument = va_arg(more, long);
  va_end(more);
  if (number == SYS_pidfd_open)
    if (const int error = verdict_any("pidfd_open"); error > 0) return fail<long>(error);
  return next<long(long, ...)>("syscall")(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
