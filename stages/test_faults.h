// Hooks of the test-only faults: an input whose content orders one (tests/faults/fault_codec.cc) is obeyed here. With
// TESSERA_FAULTS off, as in every release, there is neither codec nor stage and each hook is nothing at all.
#pragma once

#include <cstdint>
#include <string_view>

namespace tessera::stages {

#ifdef TESSERA_FAULTS
class Codec;
struct StageEntry;

const Codec& fault_codec();  // in no list that users see; recognises files that begin with "FAULT "
StageEntry fault_stage();    // "fault": for recipes of tests, in no reference

/// This thread begins a job, for the `attempt`-th time (from 0), and owes no fault of an earlier one.
void begin_faults(std::uint32_t attempt);
/// Does what the file that this thread is working on orders for this step: decode, stage, encode, finish.
void fault_here(std::string_view step);
#else
inline void begin_faults(std::uint32_t) {}
inline void fault_here(std::string_view) {}
#endif

}  // namespace tessera::stages
