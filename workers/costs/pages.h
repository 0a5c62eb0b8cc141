// Memory in pages of the usual size, so that what is measured of a page is a page's.
#pragma once

#include <cstdint>
#include <span>

#include "workers/fd.h"
#include "workers/mapping.h"

namespace tessera::workers::costs {

/// Private memory, readable and writable, without huge pages, not touched yet. Throws std::system_error.
Mapping private_pages(std::uint64_t bytes);
/// A sparse shared memory file, as a window is one.
Fd shared_file(std::uint64_t bytes);
/// A writable view of it, without huge pages.
Mapping shared_pages(std::uint64_t bytes, int fd);

/// Writes `value` to the first byte of each page.
void write_each_page(std::span<std::byte>, std::byte value);
/// Reads the first byte of each page, and has really read it.
void read_each_page(std::span<const std::byte>);

}  // namespace tessera::workers::costs
