#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "workers/costs/costs.h"
#include "workers/costs/helper.h"
#include "workers/costs/pages.h"
#include "workers/costs/sampling.h"

namespace tessera::workers::costs {
namespace {

constexpr std::byte kParents{1}, kChilds{2};

double seconds_to_write(std::span<std::byte> memory, std::byte value) {
  const double start = now_s();
  write_each_page(memory, value);
  return now_s() - start;
}

/// In a child that has `memory` from its parent, which still holds it: each write makes the child a copy of the page.
double seconds_to_write_in_child(const Mapping& memory) {
  const Mapping answer(page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, -1);
  auto* const seconds = new (answer.data()) double(0);
  Peer child([&] { *seconds = seconds_to_write(memory.bytes(), kChilds); });
  child.finish();
  for (std::size_t at = 0; at < memory.size(); at += page_bytes())
    if (memory.data()[at] != kParents)
      throw std::system_error(EPROTO, std::generic_category(),
                              "a child's write was seen in its parent's private memory");
  return *seconds;
}

}  // namespace

Measured page_costs(std::uint64_t bytes, const Effort& effort) {
  return in_helper([&] {
    const Mapping own = private_pages(bytes), held = private_pages(bytes);
    write_each_page(held.bytes(), kParents);
    // Or each fork would write-protect it, and it would be no better than what is taken back.
    if (::madvise(own.data(), own.size(), MADV_DONTFORK) != 0) throw_errno("madvise(MADV_DONTFORK)");
    const Fd file = shared_file(bytes);
    write_each_page(shared_pages(bytes, file.get()).bytes(), kParents);
    const auto pages = static_cast<double>(own.size() / page_bytes());
    Measured measured;
    measured.rows = sample_in_turn(
        {{"own", "page of one's own", 0, [&] { return seconds_to_write(own.bytes(), kParents) / pages; }},
         {"fresh", "page of fresh memory", 0,
          [&] { return seconds_to_write(private_pages(bytes).bytes(), kParents) / pages; }},
         {"copy", "page after fork, copied for the child", 0, [&] { return seconds_to_write_in_child(held) / pages; }},
         {"taken-back", "page after fork, the parent's again", 0,
          [&] { return seconds_to_write(held.bytes(), kParents) / pages; }},
         {"shared-fresh", "page of fresh shared memory", 0,
          [&] {
            const Fd fresh = shared_file(bytes);
            return seconds_to_write(shared_pages(bytes, fresh.get()).bytes(), kParents) / pages;
          }},
         {"shared-mapped", "page of shared memory, mapped anew", 0,
          [&] { return seconds_to_write(shared_pages(bytes, file.get()).bytes(), kParents) / pages; }}},
        effort);
    return measured;
  });
}

}  // namespace tessera::workers::costs
