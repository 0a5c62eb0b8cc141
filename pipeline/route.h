// Whole or spread: which way an image takes, once its header is known. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/image_task.h"
#include "workers/arena.h"

namespace tessera::pipeline {

enum class Tiling : std::uint8_t { automatic, whole, spread };

/// Images of more pixels than this are not run by their first job but declined, so that choose_route() is asked.
/// `tail`: other slots would be idle before it is done, so a slot that helps with it takes nothing from another image.
std::uint64_t decline_above(Tiling, int slots, bool tail);

/// How long an image takes by either way, as far as one can tell from its plan: estimates in nanoseconds, good for
/// their ratio alone. Decoding by rows and encoding are one after the other, whatever the number of slots.
struct RouteCost {
  double decode = 0, stages = 0, encode = 0;
  bool decode_in_parallel = false;

  double whole() const { return decode + stages + encode; }
  double spread(int slots) const;
};
RouteCost route_cost(const RouteQuestion&);

/// Empty: it fits the arena in neither way that `tiling` allows.
/// `most_private_bytes`: that one job may be granted.
std::optional<Route> choose_route(const RouteQuestion&, Tiling, int slots, const workers::Arena&,
                                  std::uint64_t most_private_bytes = ~std::uint64_t{0});

/// What an arena would have to have for one of the ways that `tiling` allows, bytes.
std::uint64_t least_memory(const RouteQuestion&, Tiling);
/// The most private memory that one job of it takes, the better way, bytes.
std::uint64_t least_private(const RouteQuestion&, Tiling);

}  // namespace tessera::pipeline
