#include "workers/arena.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "workers/board.h"
#include "workers/status_page.h"

namespace tessera::workers {
namespace {

const std::uint64_t kPage = page_bytes();

struct Fixture {
  explicit Fixture(std::uint64_t budget_pages, std::uint64_t window_pages = 64, Backing backing = Backing::shared)
      : windows(backing, 2, kPage + window_pages * kPage, 8 * kPage), arena(windows, budget_pages * kPage, kPage) {}

  std::optional<std::vector<Lease>> lease(std::vector<Want> wants) { return arena.lease(wants); }
  /// One block of so many pages.
  Lease one(std::uint32_t window, std::uint64_t pages) {
    auto leases = lease({{window, pages * kPage, 0}});
    REQUIRE(leases);
    return std::move(leases->front());
  }
  void touch(const Block& block) {
    std::memset(windows.map_for(block.window).writable(block.window).data() + block.offset, 1, block.bytes);
  }
  std::uint64_t page_of(const Lease& lease) { return lease.block().offset / kPage; }

  Windows windows;
  Arena arena;
};

TEST_CASE("blocks start on a page behind the reserved bytes and keep their exact size", "[workers]") {
  Fixture f(64);
  const auto leases = f.lease({{1, 10, 0}, {1, kPage + 1, 0}, {2, 3 * kPage, 7}});
  REQUIRE(leases);
  CHECK((*leases)[0].block() == Block{1, 1, kPage, 10});
  CHECK((*leases)[1].block() == Block{1, 1, 2 * kPage, kPage + 1});
  CHECK((*leases)[2].block() == Block{2, 1, kPage, 3 * kPage});
  CHECK(f.arena.usage().leased == 6 * kPage);
  CHECK(f.arena.usage().private_bytes == 7);
}

TEST_CASE("a window may hold its reserved bytes, what is leased there and what is warm", "[workers]") {
  Fixture f(64);
  CHECK(f.arena.held_bytes(1) == kPage);
  Lease a = f.one(1, 2);
  const Lease b = f.one(1, 3), other = f.one(2, 10);
  CHECK(f.arena.held_bytes(1) == 6 * kPage);
  a = {};
  CHECK(f.arena.held_bytes(1) == 6 * kPage);
  f.arena.trim(0);
  CHECK(f.arena.held_bytes(1) == 4 * kPage);
  f.arena.forget(1);
  CHECK(f.arena.held_bytes(1) == kPage);
  CHECK(f.arena.held_bytes(2) == 11 * kPage);
}

TEST_CASE("first fit takes the lowest gap that is large enough", "[workers]") {
  Fixture f(64);
  Lease a = f.one(1, 2), b = f.one(1, 1), c = f.one(1, 3), d = f.one(1, 1);
  a = {};
  c = {};
  CHECK(f.page_of(f.one(1, 3)) == 4);  // not into a's two pages
  CHECK(f.page_of(f.one(1, 1)) == 1);
  CHECK(f.page_of(f.one(1, 4)) == 8);
}

TEST_CASE("all wants are met or none is", "[workers]") {
  Fixture f(10);
  const Lease held = f.one(1, 4);
  CHECK(!f.lease({{1, 4 * kPage, 0}, {2, 4 * kPage, 0}}));
  CHECK(!f.lease({{1, 4 * kPage, 2 * kPage + 1}}));
  CHECK(f.arena.usage().leased == 4 * kPage);
  CHECK(f.arena.usage().private_bytes == 0);
  CHECK(f.page_of(f.one(1, 6)) == 5);  // nothing of the refused ones stands in the way
}

TEST_CASE("a want that no gap can hold is refused whole, although the budget would allow it", "[workers]") {
  Fixture f(100, 8);
  const Lease low = f.one(1, 2), middle = f.one(1, 2), high = f.one(1, 3);
  CHECK(!f.lease({{2, kPage, 0}, {1, 2 * kPage, 0}}));
  CHECK(f.page_of(f.one(2, 1)) == 1);
}

TEST_CASE("what can never fit is told apart from what does not fit now", "[workers]") {
  Fixture f(10, 8);
  const Lease held = f.one(1, 8);
  const auto could = [&](std::vector<Want> wants) { return f.arena.could_ever_fit(wants); };
  CHECK(could({{1, 8 * kPage, 2 * kPage}}));
  CHECK(!could({{1, 8 * kPage + 1, 0}}));                 // the window
  CHECK(!could({{1, 5 * kPage, 0}, {1, 4 * kPage, 0}}));  // the window, together
  CHECK(!could({{1, 8 * kPage, 2 * kPage + 1}}));         // the budget
  CHECK(!could({{1, ~std::uint64_t{0}, 0}}));
  CHECK(!could({{1, 0, ~std::uint64_t{0}}, {1, 0, 2}}));
  CHECK(could({{1, 0, 0}}));
}

TEST_CASE("freed pages stay warm and are used again first", "[workers]") {
  Fixture f(64);
  {
    const Lease lease = f.one(1, 4);
    f.touch(lease.block());
  }
  CHECK(f.arena.usage().leased == 0);
  CHECK(f.arena.usage().warm == 4 * kPage);
  CHECK(f.windows.resident_bytes(1) == 4 * kPage);
  const Lease again = f.one(1, 6);
  CHECK(f.page_of(again) == 1);
  CHECK(f.arena.usage().leased == 6 * kPage);
  CHECK(f.arena.usage().warm == 0);
}

TEST_CASE("warm pages are given back to the system when the budget needs them", "[workers]") {
  Fixture f(8);
  f.touch(f.one(1, 6).block());
  REQUIRE(f.windows.resident_bytes(1) == 6 * kPage);
  const auto leases = f.lease({{2, 3 * kPage, 2 * kPage}});
  REQUIRE(leases);
  CHECK(f.arena.usage().warm == 3 * kPage);
  CHECK(f.windows.resident_bytes(1) == 3 * kPage);
  CHECK(f.arena.usage().peak == 8 * kPage);
}

TEST_CASE("trim leaves so many warm pages, the lowest ones", "[workers]") {
  const Backing backing = GENERATE(Backing::shared, Backing::private_memory);
  Fixture f(64, 64, backing);
  f.touch(f.one(1, 6).block());
  f.arena.trim(2 * kPage);
  CHECK(f.arena.usage().warm == 2 * kPage);
  CHECK(f.windows.resident_bytes(1) == 2 * kPage);
  std::array<std::byte, 1> last_kept{};
  f.windows.peek(1, 3 * kPage - 1, last_kept);
  CHECK(last_kept[0] == std::byte{1});
  f.arena.trim(0);
  CHECK(f.arena.usage().warm == 0);
  CHECK(f.windows.resident_bytes(1) == 0);
}

TEST_CASE("after forget old leases are harmless and the pages are gone", "[workers]") {
  Fixture f(16);
  auto old = f.lease({{1, 4 * kPage, kPage}, {1, 2 * kPage, 0}});
  REQUIRE(old);
  for (const Lease& lease : *old) f.touch(lease.block());
  f.one(1, 3);
  f.arena.forget(1);
  CHECK(f.arena.generation(1) == 2);
  CHECK(BoardReader(f.windows.board(), 2).generation(1) == 2);
  CHECK(BoardReader(f.windows.board(), 2).generation(2) == 1);
  CHECK(f.windows.resident_bytes(1) == 0);
  CHECK(f.arena.usage().leased == 0);
  CHECK(f.arena.usage().warm == 0);
  CHECK(f.arena.usage().private_bytes == kPage);

  const Lease fresh = f.one(1, 4);
  CHECK(fresh.block() == Block{1, 2, kPage, 4 * kPage});
  old->clear();  // same offsets, another generation
  CHECK(f.arena.usage().leased == 4 * kPage);
  CHECK(f.arena.usage().warm == 0);
  CHECK(f.arena.usage().private_bytes == 0);
  CHECK(f.page_of(f.one(1, 1)) == 5);
}

TEST_CASE("a moved lease gives back once, an overwritten one at once", "[workers]") {
  Fixture f(16);
  Lease a = f.one(1, 1), b = f.one(1, 2);
  a = std::move(b);
  CHECK(f.arena.usage().leased == 2 * kPage);
  CHECK(!b);
  Lease c = std::move(a);
  c = {};
  CHECK(f.arena.usage().leased == 0);
  CHECK(f.arena.usage().warm == 3 * kPage);
}

TEST_CASE("blocks of the board are written by the coordinator and read by everybody", "[workers]") {
  Fixture f(16);
  const Lease table = f.one(kBoard, 1);
  CHECK(table.block().offset == board_header_bytes(2));
  std::memset(f.arena.board_bytes(table.block()).data(), 0x33, kPage);
  CHECK(f.windows.map_for(2).readable(kBoard)[table.block().offset + kPage - 1] == std::byte{0x33});
  CHECK(f.arena.usage().leased == kPage);
}

/// The arena's promises, kept by the simplest means: a byte per page.
struct Model {
  enum Page : char { cold, warm, leased };
  std::vector<std::vector<Page>> pages{3, std::vector<Page>(24, cold)};
  std::uint64_t count(Page kind) const {
    std::uint64_t sum = 0;
    for (const auto& window : pages) sum += static_cast<std::uint64_t>(std::ranges::count(window, kind));
    return sum;
  }
  void set(const Block& block, Page kind) {
    for (std::uint64_t i = 0; i < block.bytes / kPage; ++i) pages[block.window][block.offset / kPage - 1 + i] = kind;
  }
  bool is_first_fit(const Block& block) const {
    std::uint64_t run = 0;
    for (std::uint64_t page = 0; page < pages[block.window].size(); ++page) {
      run = pages[block.window][page] == leased ? 0 : run + 1;
      if (run == block.bytes / kPage) return block.offset / kPage - 1 == page + 1 - run;
    }
    return false;
  }
};

TEST_CASE("a random sequence never breaks the budget, never overlaps, and always takes the first fit", "[workers]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto upto = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
  Fixture f(30, 24);
  Model model;
  std::vector<Lease> leases;
  std::uint64_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const unsigned what = upto(99);
    if (what < 55) {
      const Want want{1 + upto(1), (1 + upto(8)) * kPage, upto(3) * kPage};
      auto lease = f.arena.lease({&want, 1});
      if (!lease) {
        ++refused;
        continue;
      }
      const Block& block = lease->front().block();
      REQUIRE(model.is_first_fit(block));
      model.set(block, Model::leased);
      leases.push_back(std::move(lease->front()));
    } else if (what < 97 && !leases.empty()) {
      const auto victim = leases.begin() + upto(static_cast<unsigned>(leases.size() - 1));
      if (victim->block().generation == f.arena.generation(victim->block().window))
        model.set(victim->block(), Model::warm);
      leases.erase(victim);
    } else if (what == 98) {
      f.arena.trim(upto(10) * kPage);
    } else if (what == 99) {
      const std::uint32_t window = 1 + upto(1);
      f.arena.forget(window);
      std::ranges::fill(model.pages[window], Model::cold);
    }
    const Arena::Usage usage = f.arena.usage();
    REQUIRE(usage.leased == model.count(Model::leased) * kPage);
    REQUIRE(usage.warm <= model.count(Model::warm) * kPage);
    REQUIRE(usage.leased + usage.warm + usage.private_bytes <= f.arena.budget());
  }
  leases.clear();
  CHECK(refused > 0);
  CHECK(f.arena.usage().leased == 0);
  CHECK(f.arena.usage().private_bytes == 0);
}

TEST_CASE("in a random sequence the pages really held are never more than leased and warm ones", "[workers]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  Fixture f(20, 40);
  const Windows::View views[] = {f.windows.map_for(0), f.windows.map_for(1), f.windows.map_for(2)};
  std::vector<Lease> leases;
  for (int i = 0; i < 3000; ++i) {
    const Want want{1 + static_cast<std::uint32_t>(random() % 2), (1 + random() % 7) * kPage, 0};
    if (auto lease = f.arena.lease({&want, 1})) {
      const Block& block = lease->front().block();
      std::memset(views[block.window].writable(block.window).data() + block.offset, 1, block.bytes);
      leases.push_back(std::move(lease->front()));
    } else {
      leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(random() % leases.size()));
    }
    const Arena::Usage usage = f.arena.usage();
    REQUIRE(f.windows.resident_bytes(1) + f.windows.resident_bytes(2) == usage.leased + usage.warm);
  }
}

}  // namespace
}  // namespace tessera::workers
