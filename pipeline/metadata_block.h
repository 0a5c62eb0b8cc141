// Metadata as bytes: the block that travels beside a decoded frame from the job that decodes to the job that encodes.
// Read back with every length checked, for the writer may have been taken over by the picture it decoded.
#pragma once

#include <cstdint>

#include "stages/codec.h"

namespace tessera::pipeline {

/// Room for the metadata of a file with this header.
std::uint64_t metadata_block_bytes(const stages::Header&);
/// Throws ImageError if it does not fit.
void write_metadata(const stages::Metadata&, stages::WriteBytes block);
/// Throws ImageError if the block is damaged.
stages::Metadata read_metadata(stages::ReadBytes block);
/// Only the kinds that `keep` names, and density.
stages::Metadata kept_metadata(const stages::Metadata&, const std::vector<std::string>& keep);

}  // namespace tessera::pipeline
