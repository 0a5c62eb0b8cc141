// The state of the page cache before a run: a picture that is read from memory and one that is read from a disk are two
// experiments.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tessera::pipeline {

/// Reads every file once, so that it lies in the page cache if that has room. Throws EnvironmentError for a file that
/// cannot be read.
void warm_page_cache(const std::vector<std::string>& paths);

/// What drop_page_cache could do.
enum class Dropped { everything, these_files };
/// Writes out what is dirty, then empties the kernel's whole page cache where that is permitted (root), and else drops
/// the pages of these files, which is advice: what others map stays.
Dropped drop_page_cache(const std::vector<std::string>& paths);

/// The part of the files' pages that lies in the page cache, 0..1. Empty when there is no page that may be asked for:
/// the kernel tells only owners and those who may write.
std::optional<double> resident_part(const std::vector<std::string>& paths);

/// Waits until the file system of a folder has written out what is dirty: the last run's outputs are not to be written
/// at the next one's cost. Throws EnvironmentError.
void settle_writes(const std::string& folder);

}  // namespace tessera::pipeline
