// A worker that tries to write another worker's window, by every way we know. Real system calls in a forked worker;
// what came of each is its answer. Tried without the system-call filter as well: the descriptors alone must hold.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "tests/workers/support.h"
#include "workers/executor.h"

namespace tessera::workers {
namespace {

using testing::answer;
using testing::make_job;
using testing::NothingLeft;
using testing::Op;

constexpr int kWentThrough = 0;

std::byte* page_of(ReadBytes bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  return reinterpret_cast<std::byte*>(address / page_bytes() * page_bytes());
}

int result_of(long result) { return result < 0 ? errno : kWentThrough; }

int try_mprotect(std::byte* page) { return result_of(::mprotect(page, page_bytes(), PROT_READ | PROT_WRITE)); }

/// Moves the mapping, doubles it (old size 0: a second mapping of shared pages), and wants to write the copy.
int try_mremap(std::byte* page) {
  void* const copy = ::mremap(page, 0, page_bytes(), MREMAP_MAYMOVE);
  if (copy == MAP_FAILED) return errno;
  const int result = result_of(::mprotect(copy, page_bytes(), PROT_READ | PROT_WRITE));
  ::munmap(copy, page_bytes());
  return result;
}

/// Punching a hole is writing zeros.
int try_madvise_remove(std::byte* page) { return result_of(::madvise(page, page_bytes(), MADV_REMOVE)); }

/// Any descriptor that is still open here, mapped for writing or written to.
int try_descriptors() {
  for (int fd = 0; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) continue;
    void* const map = ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) continue;
    return kWentThrough;
  }
  return EBADF;
}

int try_open(const char* path) {
  const int fd = ::open(path, O_RDWR);
  return fd < 0 ? errno : kWentThrough;
}

int try_own_descriptor_folder() {
  int result = ENOENT;
  for (int fd = 4; fd < 64; ++fd) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
    result = try_open(path.data());
    if (result == kWentThrough) return result;
  }
  return result;
}

int try_map_files(const std::byte* page) {
  std::array<char, 96> path{};
  const auto from = reinterpret_cast<std::uintptr_t>(page);
  std::snprintf(path.data(), path.size(), "/proc/self/map_files/%lx-%lx", from, from + page_bytes());
  return try_open(path.data());
}

int try_parents_descriptors() {
  int result = ENOENT;
  for (int fd = 3; fd < 64; ++fd) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/fd/%d", ::getppid(), fd);
    result = try_open(path.data());
    if (result == kWentThrough) return result;
  }
  return result;
}

int try_parents_memory() {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/mem", ::getppid());
  return try_open(path.data());
}

/// The kernel writes for us: into a page that we may not write.
int try_read_into(std::byte* page, int pipe) { return result_of(::read(pipe, page, 1)); }

/// Memory that RLIMIT_DATA does not count.
int try_uncounted(int flags) {
  void* const map = ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return errno;
  ::munmap(map, page_bytes());
  return kWentThrough;
}

/// A page that is counted becomes a gigabyte.
int try_growing() {
  void* const map = ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return errno;
  void* const grown = ::mremap(map, page_bytes(), 1 << 30, MREMAP_MAYMOVE);
  if (grown == MAP_FAILED) return errno;
  ::munmap(grown, 1 << 30);
  return kWentThrough;
}

enum Attack : std::size_t {
  kMprotect,
  kMremap,
  kRemove,
  kDescriptors,
  kOwnFolder,
  kMapFiles,
  kParentsFolder,
  kParentsMemory,
  kReadInto,
  kShared,
  kGrowsDown,
  kPrivate,
  kGrowing,
  kAttacks
};

void run_attacks(JobContext& context, Completion& completion) {
  std::byte* const page = page_of(context.read(context.job().blocks[0]));
  const std::array<int, kAttacks> results = {try_mprotect(page),
                                             try_mremap(page),
                                             try_madvise_remove(page),
                                             try_descriptors(),
                                             try_own_descriptor_folder(),
                                             try_map_files(page),
                                             try_parents_descriptors(),
                                             try_parents_memory(),
                                             try_read_into(page, context.fd(0)),
                                             try_uncounted(MAP_SHARED),
                                             try_uncounted(MAP_PRIVATE | MAP_GROWSDOWN),
                                             try_uncounted(MAP_PRIVATE),
                                             try_growing()};
  std::memcpy(completion.payload.data(), results.data(), sizeof(results));
}

/// A pipe with a byte in it.
Fd filled_pipe() {
  testing::Pipe pipe = testing::Pipe::make();
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  return std::move(pipe.read);
}

std::vector<std::byte> content(const Windows& windows, const Block& block) {
  std::vector<std::byte> bytes(block.bytes);
  windows.peek(block.window, block.offset, bytes);
  return bytes;
}

void run(JobContext& context, Completion& completion) {
  testing::Order order;
  std::memcpy(&order, context.job().payload.data(), sizeof(order));
  order.op == Op::nothing ? run_attacks(context, completion) : testing::run_test_job(context, completion);
}

TEST_CASE("a worker cannot write another worker's window or the board in any way", "[workers]") {
  const NothingLeft check;
  Workforce force = make_workforce(testing::processes(2), testing::kBudget, run);
  Executor& executor = *force.executor;
  const Lease victim = testing::lease_one(*force.arena, 1, 2 * page_bytes());
  const Lease table = testing::lease_one(*force.arena, kBoard, page_bytes());
  std::ranges::fill(force.arena->board_bytes(table.block()), std::byte{0x11});
  testing::run_one(executor, 1, make_job(1, {Op::fill, 0x5A}, victim.block()));

  std::uint64_t id = 10;
  for (const Block& block : {victim.block(), table.block()}) {
    INFO("window " << block.window);
    const auto before = content(*force.windows, block);
    const Fd pipe = filled_pipe();
    const Completion completion =
        testing::run_one(executor, 2, make_job(id++, {Op::nothing, 0}, block), std::array{pipe.get()});
    REQUIRE(completion.outcome == Outcome::done);
    CHECK(answer<int>(completion, kMprotect) == EACCES);
    CHECK(answer<int>(completion, kMremap) == EACCES);
    CHECK(answer<int>(completion, kRemove) == EACCES);
    CHECK(answer<int>(completion, kDescriptors) == EBADF);
    CHECK(answer<int>(completion, kOwnFolder) == EACCES);
    CHECK(answer<int>(completion, kMapFiles) == EACCES);
    CHECK(answer<int>(completion, kParentsFolder) == EACCES);
    CHECK(answer<int>(completion, kParentsMemory) == EACCES);
    CHECK(answer<int>(completion, kReadInto) == EFAULT);
    CHECK(content(*force.windows, block) == before);
  }
}

TEST_CASE("the attacks are real: on its own window a worker's go through", "[workers]") {
  Workforce force = make_workforce(testing::processes(2), testing::kBudget, run);
  const Lease own = testing::lease_one(*force.arena, 2, page_bytes());
  const Fd pipe = filled_pipe();
  const Completion completion =
      testing::run_one(*force.executor, 2, make_job(1, {Op::nothing, 0}, own.block()), std::array{pipe.get()});
  for (const Attack attack : {kMprotect, kMremap, kRemove, kReadInto})
    CHECK(answer<int>(completion, attack) == kWentThrough);
}

TEST_CASE("a worker gets no memory that its limit does not count", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = make_workforce(mode.options, testing::kBudget, run);
    const Lease own = testing::lease_one(*force.arena, 1, page_bytes());
    const Fd pipe = filled_pipe();
    const Completion completion =
        testing::run_one(*force.executor, 1, make_job(1, {Op::nothing, 0}, own.block()), std::array{pipe.get()});
    REQUIRE(completion.outcome == Outcome::done);
    CHECK(answer<int>(completion, kShared) == EPERM);
    CHECK(answer<int>(completion, kGrowsDown) == EPERM);
    CHECK(answer<int>(completion, kPrivate) == kWentThrough);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their shadow memory is data: no limit there
    CHECK(answer<int>(completion, kGrowing) == ENOMEM);
#endif
  }
}

TEST_CASE("a direct store to a foreign window is a crash and changes nothing", "[workers]") {
  const NothingLeft check;
  for (const auto& mode : testing::isolated_modes()) {
    INFO(mode.name);
    Workforce force = testing::make_test_workforce(mode.options);
    const Lease victim = testing::lease_one(*force.arena, 1, 100), table = testing::lease_one(*force.arena, kBoard, 8);
    testing::run_one(*force.executor, 1, make_job(1, {Op::fill, 0x5A}, victim.block()));
    std::uint64_t id = 2;
    for (const Block& block : {victim.block(), table.block()}) {
      const auto before = content(*force.windows, block);
      std::vector<Event> events;
      REQUIRE(testing::wait_for_idle(*force.executor, 2 * mode.options.threads, events));
      const Completion completion = testing::run_one(*force.executor, 2, make_job(id++, {Op::store, 0xFF}, block));
      CHECK(completion.outcome == Outcome::crashed);
      CHECK(completion.signal == SIGSEGV);
      CHECK(content(*force.windows, block) == before);
    }
  }
}

TEST_CASE("without any filter the mappings alone cannot be made writable", "[workers]") {
  Windows windows(Backing::shared, 2, 1 << 20, 0);
  const Fd pipe = filled_pipe();
  const pid_t child = ::fork();
  if (child == 0) {
    const Windows::View view = windows.map_for(2);
    windows.close_descriptors();
    std::byte* const page = page_of(view.readable(1));
    const bool held = try_mprotect(page) == EACCES && try_mremap(page) == EACCES &&
                      try_madvise_remove(page) == EACCES && try_read_into(page, pipe.get()) == EFAULT &&
                      try_descriptors() == EBADF;
    ::_exit(held ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace
}  // namespace tessera::workers
