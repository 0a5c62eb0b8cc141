// The contract between whoever hands out work and whoever does it: one fixed-size Job to a worker, exactly one
// fixed-size Completion back, whatever happens in between. Trivially copyable: both are messages.
// What the payloads mean is the caller's business; nothing in workers/ looks into them.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <variant>

namespace tessera::workers {

using Clock = std::chrono::steady_clock;
using ReadBytes = std::span<const std::byte>;
using WriteBytes = std::span<std::byte>;

/// Bytes in one window: a name, never an owner. `generation` older than the window's means lost with its worker.
struct Block {
  std::uint32_t window = 0, generation = 0;
  std::uint64_t offset = 0, bytes = 0;
  bool empty() const { return bytes == 0; }
  bool operator==(const Block&) const = default;
};

constexpr std::uint32_t kBoard = 0;  // the coordinator's own window; workers' windows are 1, 2, ...
constexpr std::size_t kMaxBlocks = 6;
constexpr std::size_t kMaxJobFds = 64;

struct Job {
  std::uint64_t id = 0;  // unique in a run, never 0
  std::uint32_t attempt = 0;
  std::uint32_t block_count = 0;
  std::array<Block, kMaxBlocks> blocks{};
  std::array<std::byte, 256> payload{};
};

/// declined: nothing was written, the payload says what the job would take.
/// failed: the job's own error (an exception, or set by it); `reason` and payload are the job's.
/// crashed: the worker died with the job: `signal`, or 0 and the exit code in `reason`. SIGSYS: the sandbox's filter.
/// timed_out: it ran past its limits, and its worker was killed for it: `reason` is kCpuTime or kWallTime. In this
/// process nothing can be killed: there it is cancelled, and answers so once it has looked.
/// interrupted: its worker was killed because of another job that it held. Nothing is known against this one.
enum class Outcome : std::uint8_t { done, declined, failed, crashed, cancelled, timed_out, interrupted };

/// Reasons of `failed` that are not the job's own, so they are negative. kBlockLost: a block that the job named or read
/// was gone with its worker, or went while the job ran: what it computed is void and the job is not to blame.
constexpr std::int32_t kException = -1, kOutOfMemory = -2, kBlockLost = -3, kNoDescriptors = -4;
/// Reasons of `timed_out`.
constexpr std::int32_t kCpuTime = 1, kWallTime = 2;

/// What a started job may take; 0: no limit. Known to the executor alone: no worker is told.
struct Limits {
  std::uint32_t cpu_ms = 0;         // CPU time of its slot
  std::uint32_t wall_ms = 0;        // from its start; a pause of the whole machine or of the coordinator does not count
  std::uint64_t private_bytes = 0;  // what it was granted; its worker may allocate at least so much while it runs
};

struct Completion {
  std::uint64_t id = 0;
  Outcome outcome = Outcome::done;
  std::uint8_t suspects = 0;  // crashed: how many jobs the worker held; 1: it was this one
  std::uint8_t slot = 0;  // of its worker, that ran the job; of a job that was never answered: where it was seen last
  std::array<std::uint8_t, 5> unused{};
  std::int32_t signal = 0, reason = 0;
  std::uint64_t cpu_ns = 0;      // CPU time of the slot's thread
  std::uint64_t breadcrumb = 0;  // crashed: the last step it noted; diagnosis only
  std::array<std::byte, 384> payload{};
};
static_assert(std::is_trivially_copyable_v<Block> && sizeof(Block) == 24);
static_assert(std::is_trivially_copyable_v<Job> && sizeof(Job) == 416);
static_assert(std::is_trivially_copyable_v<Completion> && sizeof(Completion) == 424);

/// How far a running job says it is (rows decoded, say): a claim, to be clamped by the receiver.
struct Progress {
  std::uint64_t id = 0;
  std::uint32_t value = 0;
};
/// A worker died and is replaced: every block of the window's earlier generations is gone. Comes before the
/// completions (`crashed`) of the jobs that it held.
struct WindowLost {
  std::uint32_t window = 0;
  std::string output;  // the last of what it wrote to stdout and stderr, at most 4 KiB, as it was
};
using Event = std::variant<Completion, Progress, WindowLost>;

}  // namespace tessera::workers
