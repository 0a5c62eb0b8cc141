// What a test can order a worker to do: the words of an order, and the deeds. Compiled with TESSERA_FAULTS only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stages/image.h"

namespace tessera::stages {

struct FaultOrder {
  std::string op = "none";
  std::string step;
  std::uint64_t argument = 0;
};

/// "op@step[:argument]". Throws ImageError when it is no order.
FaultOrder parse_order(std::string_view words);

/// How often the job that this thread runs was started before.
std::uint32_t fault_attempt();

/// This thread owes the order until it comes to its step.
void arm(FaultOrder);

/// Does it, now. Returns where the deed lets it. Throws ImageError for an unknown one.
void do_fault(const FaultOrder&);

/// Writes noise into a frame for a quarter of a second from a thread of its own, whoever owns it by then.
void scribble(const MutableView&);

}  // namespace tessera::stages
