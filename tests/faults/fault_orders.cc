#include "tests/faults/fault_orders.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "stages/test_faults.h"

namespace tessera::stages {
namespace {

thread_local FaultOrder owed;
thread_local std::uint32_t attempt_now = 0;

}  // namespace

FaultOrder parse_order(std::string_view words) {
  FaultOrder order;
  const auto at = words.find('@'), colon = words.find(':');
  if (at == std::string_view::npos) throw ImageError("FAULT op@step[:argument] [WxH]: there is no @");
  order.op = words.substr(0, at);
  order.step = words.substr(at + 1, colon == std::string_view::npos ? colon : colon - at - 1);
  if (colon != std::string_view::npos) {
    const std::string_view number = words.substr(colon + 1);
    if (std::from_chars(number.data(), number.data() + number.size(), order.argument).ptr != number.end())
      throw ImageError("FAULT op@step[:argument] [WxH]: the argument is a whole number");
  }
  constexpr std::array<std::string_view, 5> kSteps{"probe", "decode", "stage", "encode", "finish"};
  if (std::ranges::find(kSteps, order.step) == kSteps.end())
    throw ImageError("FAULT op@step[:argument] [WxH]: the step is probe, decode, stage, encode or finish");
  return order;
}

std::uint32_t fault_attempt() { return attempt_now; }

void arm(FaultOrder order) { owed = std::move(order); }

void begin_faults(std::uint32_t attempt) {
  owed = {};
  attempt_now = attempt;
}

void fault_here(std::string_view step) {
  if (owed.step != step) return;
  const FaultOrder order = std::exchange(owed, {});  // once, should it return
  do_fault(order);
}

}  // namespace tessera::stages
