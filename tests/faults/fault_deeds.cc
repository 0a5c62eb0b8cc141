// The deeds. Each is what real damaged files make real libraries do; none of them harms anything beyond its process,
// and those that would go on for ever elsewhere (a fork bomb, a balloon) end by themselves when nothing stops them.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <tbb/task_group.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/faults/fault_orders.h"
#include "workers/channel.h"
#include "workers/misdeeds.h"

namespace tessera::stages {
namespace {

constexpr int kChannelFd = 3;  // of every worker: see workers/worker_process.cc
constexpr std::uint64_t kMegabyte = 1 << 20;

using std::chrono::milliseconds;

void double_free() {
  void* volatile twice = std::malloc(100);
  void* const again = twice;
  std::free(twice);
  std::free(again);
}

void throw_it() { throw std::runtime_error("a fault was ordered"); }

void call_without_exceptions(const std::function<void()>& what) noexcept { what(); }

void throw_in_task() {
  tbb::task_group group;
  for (int i = 0; i < 8; ++i)
    group.run([i] {
      if (i == 5) throw_it();
    });
  group.wait();
}

void call_socket() { ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }
void call_ptrace() { ::syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, ::getppid(), nullptr, nullptr); }

void run_program() {
  std::array<char*, 1> none{nullptr};
  std::array<char, 10> program{"/bin/true"};
  std::array<char*, 2> arguments{program.data(), nullptr};
  ::execve(program.data(), arguments.data(), none.data());
}

void fork_many() {
  for (int i = 0; i < 64; ++i) {
    if (::fork() != 0) continue;
    ::alarm(3);
    ::pause();
    ::_exit(0);
  }
}

// What waits in the threads dies with the process.
void start_threads(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i)
    std::thread([] {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }).detach();
  throw std::runtime_error("the threads met no limit");
}

void sleep_for(std::uint64_t ms) {
  if (ms > 0) return std::this_thread::sleep_for(milliseconds(ms));
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

void blow_up(std::uint64_t megabytes) {
  const std::uint64_t most = megabytes > 0 ? megabytes : 4096;
  std::vector<std::unique_ptr<char[]>> balloon;
  for (std::uint64_t i = 0; i < most; i += 16) {
    balloon.push_back(std::make_unique_for_overwrite<char[]>(16 * kMegabyte));
    std::memset(balloon.back().get(), 1, 16 * kMegabyte);
  }
  if (megabytes == 0) throw std::runtime_error("the balloon met no limit");
}

void allocate_at_once(std::uint64_t megabytes) {
  const std::uint64_t bytes = (megabytes > 0 ? megabytes : 65536) * kMegabyte;
  char* volatile memory = new char[bytes];
  delete[] memory;
}

void flood_stderr(std::uint64_t bytes) {
  const std::string line = std::string(1023, 'x') + '\n';
  for (std::uint64_t done = 0; done < bytes; done += line.size()) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

void send_bytes(const void* data, std::size_t bytes) {
  iovec part{const_cast<void*>(data), bytes};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  [[maybe_unused]] const auto sent = ::sendmsg(kChannelFd, &header, MSG_NOSIGNAL);  // all that the sandbox allows
}

// `done` for a job, in the name of this window and generation.
void send_message_of(std::uint32_t window, std::uint32_t generation, std::uint64_t job) {
  workers::Message message;
  message.type = workers::MessageType::completion;
  message.window = window;
  message.generation = generation;
  workers::Completion completion;
  completion.id = job;
  std::memcpy(message.body.data(), &completion, sizeof completion);
  send_bytes(&message, sizeof message);
}

// The first of the run with -j1: its worker dies as the first generation of window 1, and its second job, which has the
// second generation, is answered in the first one's name.
void answer_as_predecessor() {
  if (fault_attempt() == 0) workers::write_nowhere();
  send_message_of(1, 1, 2);
}

void say(std::string_view words) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
}

void call_dup() {
  while (::dup(STDIN_FILENO) >= 0) {
  }
}

const std::map<std::string, std::function<void(std::uint64_t)>>& deeds() {
  static const std::map<std::string, std::function<void(std::uint64_t)>> all{
      {"none", [](auto) {}},
      {"lie", [](auto) {}},
      {"segv", [](auto) { workers::write_nowhere(); }},
      {"late_segv", [](auto ms) { sleep_for(ms), workers::write_nowhere(); }},
      {"cry_segv", [](auto) { say("these are my last words\n"), workers::write_nowhere(); }},
      {"segv_once", [](auto) { fault_attempt() == 0 ? workers::write_nowhere() : void(); }},
      {"abort", [](auto) { std::abort(); }},
      {"double_free", [](auto) { double_free(); }},
      {"terminate", [](auto) { std::terminate(); }},
      {"throw", [](auto) { throw_it(); }},
      {"noexcept_throw", [](auto) { call_without_exceptions(throw_it); }},
      {"throw_task", [](auto) { throw_in_task(); }},
      {"stack", [](auto) { workers::overflow_stack(); }},
      {"exit0", [](auto) { std::exit(0); }},
      {"exit1", [](auto) { std::exit(1); }},
      {"syscall", [](auto) { call_socket(); }},
      {"ptrace", [](auto) { call_ptrace(); }},
      {"exec", [](auto) { run_program(); }},
      {"fork", [](auto) { fork_many(); }},
      {"threads", [](auto count) { start_threads(count > 0 ? count : 4000); }},
      {"descriptors", [](auto) { call_dup(); }},
      {"loop", [](auto) { workers::loop_for_ever(); }},
      {"loop_once", [](auto) { fault_attempt() == 0 ? workers::loop_for_ever() : void(); }},
      {"sleep", [](auto ms) { sleep_for(ms); }},
      {"stop", [](auto) { ::raise(SIGSTOP); }},
      {"balloon", [](auto megabytes) { blow_up(megabytes); }},
      {"big_alloc", [](auto megabytes) { allocate_at_once(megabytes); }},
      {"stderr", [](auto bytes) { flood_stderr(bytes); }},
      {"garbage", [](auto) { send_bytes("this is no message", 18); }},
      {"oversize", [](auto) { send_bytes(std::string(8192, 'x').data(), 8192); }},
      {"empty", [](auto) { send_bytes("", 0); }},
      {"stale", [](auto) { answer_as_predecessor(); }},
      {"foreign", [](auto) { send_message_of(9999, 1, 1); }},
  };
  return all;
}

}  // namespace

void do_fault(const FaultOrder& order) {
  const auto deed = deeds().find(order.op);
  if (deed == deeds().end()) throw ImageError("there is no fault '" + order.op + "'");
  deed->second(order.argument);
}

void scribble(const MutableView& view) {
  const auto plane = view.plane();
  const auto bytes = static_cast<std::size_t>(plane.width) * static_cast<std::size_t>(view.format.pixel_bytes());
  std::thread([plane, bytes] {
    const auto until = std::chrono::steady_clock::now() + milliseconds(250);
    for (int noise = 0; std::chrono::steady_clock::now() < until; ++noise)
      for (std::int32_t y = 0; y < plane.height; ++y) std::memset(plane.data + y * plane.stride, noise, bytes);
  }).detach();
}

}  // namespace tessera::stages
