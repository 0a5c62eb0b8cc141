#include "workers/fault_point.h"

#ifdef TESSERA_FAULTS

#include <fcntl.h>
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
  bool onwards = false;
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
    onwards = first != std::string::npos && words.substr(0, second).ends_with('+');
    if (second != std::string::npos) action = words.substr(second + 1);
    const char* file = std::getenv("TESSERA_FAULT_COUNT");
    const int fd = file ? ::open(file, O_RDWR | O_CLOEXEC) : -1;
    const int kind = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
    void* page = ::mmap(nullptr, sizeof *passed, PROT_READ | PROT_WRITE, kind, fd, 0);
    if (fd >= 0) ::close(fd);
    if (page != MAP_FAILED) passed = new (page) std::atomic<unsigned long>(0);
  }
  bool is_due(unsigned long passing) const { return passing == turn || (onwards && passing > turn); }
};

// Made before main, and so before any fork.
const Appointment appointment;

}  // namespace

void fault_point(std::string_view name) noexcept {
  if (!appointment.passed || name != appointment.name) return;
  if (!appointment.is_due(appointment.passed->fetch_add(1) + 1)) return;
  if (appointment.action == "exit") ::_exit(kExitAtPoint);
  ::raise(appointment.action == "stop" ? SIGSTOP : SIGKILL);
}

}  // namespace tessera::workers

#endif
