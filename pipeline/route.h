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
std::optional<Route> choose_route(const RouteQuestion&, Tiling, int slots, const workers::Arena&);

/// What an arena would have to have for one of the ways that `tiling` allows, bytes.
std::uint64_t least_memory(const RouteQuestion&, Tiling, int slots);

}  // namespace tessera::pipeline
