// Lists of paths (--files-from): no byte of a name is lost or made up, and no name is empty.
#include "pipeline/path_list.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace tessera::fuzz {
using namespace pipeline;
namespace {

void read_list(int file, ListSeparator separator, std::string_view content) {
  PathList list(fmt::format("/proc/self/fd/{}", file), separator);
  std::size_t at = 0;
  while (const auto path = list.next()) {
    require(!path->empty(), "a path is not empty");
    const std::size_t found = content.find(*path, at);
    require(found != std::string_view::npos, "a path stands in the list, after the one before it");
    at = found + path->size();
  }
  require(list.finished() || list.take_error().has_value(), "a list ends, or says why not");
}

}  // namespace
}  // namespace tessera::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  static const int file = ::memfd_create("list", MFD_CLOEXEC);
  fuzz::require(::ftruncate(file, 0) == 0 && ::pwrite(file, data, size, 0) == static_cast<ssize_t>(size),
                "memfd works");
  for (const auto separator :
       {pipeline::ListSeparator::detect, pipeline::ListSeparator::newline, pipeline::ListSeparator::nul})
    fuzz::read_list(file, separator, fuzz::text_of(data, size));
  return 0;
}
