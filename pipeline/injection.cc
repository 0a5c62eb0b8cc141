#include "pipeline/injection.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "workers/misdeeds.h"

namespace tessera::pipeline {
namespace {

constexpr std::size_t kBreath = 1 << 20;            // bytes that a balloon takes at once
constexpr std::chrono::milliseconds kHeldFor{300};  // others meet what it left them

constexpr std::array<std::pair<InjectedFault, std::string_view>, 5> kNames{{
    {InjectedFault::crash, "crash"},
    {InjectedFault::hang, "hang"},
    {InjectedFault::balloon, "balloon"},
    {InjectedFault::stack_overflow, "stack-overflow"},
    {InjectedFault::heap_corruption, "heap-corruption"},
}};

/// Mapped as malloc maps what is large, but given back to the last page: what a heap would keep is no part of the
/// fault.
class Balloon {
 public:
  Balloon() = default;
  ~Balloon() {
    for (void* const part : parts_) munmap(part, kBreath);
  }
  Balloon(const Balloon&) = delete;
  Balloon& operator=(const Balloon&) = delete;

  /// False: the system refuses.
  bool grow() {
    void* const part = mmap(nullptr, kBreath, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (part == MAP_FAILED) return false;
    std::memset(part, 1, kBreath);
    parts_.push_back(part);
    return true;
  }

 private:
  std::vector<void*> parts_;
};

[[noreturn]] void blow_up() {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    throw std::runtime_error("no limit of memory is in force here (RLIMIT_DATA): a balloon would take the machine");
  Balloon balloon;
  while (balloon.grow()) {
  }
  std::this_thread::sleep_for(kHeldFor);
  throw std::bad_alloc();
}

}  // namespace

std::string_view to_string(InjectedFault fault) {
  for (const auto& [known, name] : kNames)
    if (known == fault) return name;
  return "none";
}

std::optional<InjectedFault> fault_called(std::string_view name) {
  for (const auto& [fault, known] : kNames)
    if (known == name) return fault;
  return std::nullopt;
}

void commit_fault(InjectedFault fault) {
  switch (fault) {
    case InjectedFault::none:
      return;
    case InjectedFault::crash:
      return workers::write_nowhere();
    case InjectedFault::hang:
      workers::loop_for_ever();
    case InjectedFault::balloon:
      blow_up();
    case InjectedFault::stack_overflow:
      return workers::overflow_stack();
    case InjectedFault::heap_corruption:
      workers::corrupt_heap();
      throw std::runtime_error("the heap cannot be damaged here: this build has a sanitizer's allocator");
  }
  throw std::runtime_error("a job with a fault that nobody knows");
}

}  // namespace tessera::pipeline
