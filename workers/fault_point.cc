#include "workers/fault_point.h"

#ifdef TESSERA_FAULTS

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace tessera::workers {
namespace {

constexpr int kExitAtPoint = 7;

struct Appointment {
  std::string name;
  unsigned long turn = 0;
  std::string action = "kill";
  std::atomic<unsigned long>* passed = nullptr;  // shared by every process of the run

  Appointment() {
    const char* text = std::getenv("TESSERA_FAULT_AT");
    if (!text) return;
    const std::string words = text;
    const auto first = words.find(':');
    const auto second = words.find(':', first + 1);
    name = words.substr(0, first);
    turn = first == std::string::npos ? 1 : std::strtoul(words.c_str() + first + 1, nullptr, 10);
    if (second != std::string::npos) action = words.substr(second + 1);
    void* page = ::mmap(nullptr, sizeof *passed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) passed = new (page) std::atomic<unsigned long>(0);
  }
};

// Made before main, and so before any fork.
const Appointment appointment;

}  // namespace

void fault_point(std::string_view name) noexcept {
  if (!appointment.passed || name != appointment.name) return;
  if (appointment.passed->fetch_add(1) + 1 != appointment.turn) return;
  if (appointment.action == "exit") ::_exit(kExitAtPoint);
  ::raise(appointment.action == "stop" ? SIGSTOP : SIGKILL);
}

}  // namespace tessera::workers

#endif
