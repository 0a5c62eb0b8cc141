#include "workers/costs/helper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "workers/fd.h"
#include "workers/thread_count.h"

namespace tessera::workers::costs {
namespace {

constexpr unsigned kLongest_s = 120;  // of any helper: whoever waits for a process that died waits no longer

/// Bytes of a result on its way through a pipe: both ends are this program.
class Packed {
 public:
  Packed() = default;
  explicit Packed(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& bytes() const { return bytes_; }

  template <typename T>
  void put(const T& value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void put(const std::string& text) {
    put(text.size());
    bytes_ += text;
  }
  void put(const std::vector<Series>& all) {
    put(all.size());
    for (const Series& series : all) {
      put(series.id);
      put(series.name);
      put(series.x);
      put(series.seconds.size());
      for (const double value : series.seconds) put(value);
    }
  }

  template <typename T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }
  std::string get_text() {
    const auto size = get<std::size_t>();
    return {take(size), size};
  }
  std::vector<Series> get_series() {
    std::vector<Series> all(get<std::size_t>());
    for (Series& series : all) {
      series.id = get_text();
      series.name = get_text();
      series.x = get<double>();
      series.seconds.resize(get<std::size_t>());
      for (double& value : series.seconds) value = get<double>();
    }
    return all;
  }

 private:
  const char* take(std::size_t size) {
    if (size > bytes_.size() - at_) throw std::runtime_error("a result of a measuring process is cut off");
    at_ += size;
    return bytes_.data() + at_ - size;
  }
  std::string bytes_;
  std::size_t at_ = 0;
};

void write_all(int fd, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno != EINTR) throw_errno("write of a result");
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
}

std::string read_all(int fd) {
  std::string bytes;
  std::array<char, 65536> part{};
  for (;;) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got == 0) return bytes;
    if (got < 0 && errno != EINTR) throw_errno("read of a result");
    if (got > 0) bytes.append(part.data(), static_cast<std::size_t>(got));
  }
}

/// What the parent does on signals is not for its helpers: they end.
void start_as_helper(pid_t parent) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGALRM}) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(EXIT_FAILURE);  // it died before it was asked to tell
  ::alarm(kLongest_s);
}

}  // namespace

Peer::Peer(const std::function<void()>& body) {
  assert(is_single_threaded());
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("fork of a process to measure with");
  if (pid_ > 0) return;
  int code = 0;
  try {
    start_as_helper(parent);
    body();
  } catch (const std::system_error& error) {
    code = error.code().value();
  } catch (...) {
    code = EPROTO;
  }
  ::_exit(code);
}

Peer::~Peer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void Peer::finish() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const bool asked = number == SIGINT || number == SIGTERM || number == SIGHUP;
    throw std::system_error(asked ? EINTR : EPROTO, std::generic_category(),
                            number == SIGALRM ? fmt::format("a measuring process was not done after {} s", kLongest_s)
                                              : fmt::format("a measuring process was ended by signal {}", number));
  }
  if (WEXITSTATUS(status) != 0)
    throw std::system_error(WEXITSTATUS(status), std::generic_category(), "a measuring process could not go on");
}

Measured in_helper(const std::function<Measured()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe for a result");
  const Fd from(ends[0]);
  Fd to(ends[1]);
  Peer helper([&] {
    Packed result;
    try {
      const Measured measured = body();
      result.put(0);
      result.put(measured.rows);
      result.put(measured.points);
      result.put(measured.left_out.size());
      for (const std::string& sentence : measured.left_out) result.put(sentence);
    } catch (const std::system_error& error) {
      result.put(error.code().value());
      result.put(std::string(error.what()));
    }
    write_all(to.get(), result.bytes());
  });
  to.close();
  Packed result(read_all(from.get()));
  helper.finish();
  Measured measured;
  if (const int code = result.get<int>(); code != 0) {
    // what() ends with the code's own text, which the exception made here appends again.
    std::string text = result.get_text();
    const std::string ending = ": " + std::generic_category().message(code);
    if (text.ends_with(ending)) text.resize(text.size() - ending.size());
    throw std::system_error(code, std::generic_category(), text);
  }
  measured.rows = result.get_series();
  measured.points = result.get_series();
  measured.left_out.resize(result.get<std::size_t>());
  for (std::string& sentence : measured.left_out) sentence = result.get_text();
  return measured;
}

}  // namespace tessera::workers::costs
