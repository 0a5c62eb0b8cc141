// What a plan takes of memory, by either route: what admission leases before a job may start.
#pragma once

#include "pipeline/plan.h"

namespace tessera::pipeline {

/// Fills in the plan's bytes and each pass's band_scratch_bytes. The passes before `sealed` have run by the time the
/// plan is made again with sizes that are unknown now.
void estimate_memory(ImagePlan&, const Recipe&, const stages::Header&,
                     std::span<const stages::Codec* const> product_codecs, std::size_t sealed);

}  // namespace tessera::pipeline
