// Whole or spread: which way an image takes, once its header is known. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/image_task.h"
#include "workers/arena.h"

namespace tessera::pipeline {

enum class Tiling : std::uint8_t { automatic, whole, spread };

/// Images of more pixels than this are not run by their first job but declined, so that choose_route() is asked.
/// `tail`: fewer images are left than slots, so a slot that helps with bands takes nothing from another image.
std::uint64_t decline_above(Tiling, int slots, bool tail);

/// Empty: it fits the arena in neither way that `tiling` allows.
/// `most_private_bytes`: that one job may be granted.
std::optional<Route> choose_route(const RouteQuestion&, Tiling, int slots, const workers::Arena&,
                                  std::uint64_t most_private_bytes = ~std::uint64_t{0});

/// What an arena would have to have for one of the ways that `tiling` allows, bytes.
std::uint64_t least_memory(const RouteQuestion&, Tiling, int slots);
/// The most private memory that one job of it takes, the better way, bytes.
std::uint64_t least_private(const RouteQuestion&, Tiling);

}  // namespace tessera::pipeline
