// What a worker says of a file is held against the file.
#include <unistd.h>

#include <catch2/catch.hpp>

#include "pipeline/publisher.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;

TEST_CASE("a product whose size is not what its worker said is not published", "[publisher]") {
  const TemporaryFolder folder;
  const Recipe recipe = default_recipe().recipe;
  const ProductNames names(recipe);
  OutputTree tree(folder / "out");
  Journal journal(tree.private_folder() + "/journal.sqlite");
  journal.begin_run(recipe.canonical(), recipe.hash(), {"boot", false, "test"});
  std::vector<Terminal> ends;
  const Originals none;
  Publisher publisher(
      names, tree, journal, OnExist::error, none, true, false, false,
      [&](const FinishedItem& item, const std::vector<ProductRow>&) { ends.push_back(item.row.terminal); });
  for (const std::uint64_t claimed : {3u, 4u}) {
    FinishedItem item;
    item.input.path = item.row.source = "/in/" + std::to_string(claimed) + ".png";
    item.input.index = item.row.item = claimed;
    item.result.products.resize(1);
    item.result.products[0].bytes = claimed;
    item.files.push_back(tree.create());
    REQUIRE(write(item.files[0].fd(), "abc", 3) == 3);
    publisher.add(std::move(item));
  }
  publisher.flush();
  REQUIRE(ends.size() == 2);
  CHECK(ends[0].kind == Terminal::Kind::done);
  CHECK(ends[1].kind == Terminal::Kind::failed);
  CHECK_THAT(ends[1].sentence, Catch::Contains("wrote 3 bytes and spoke of 4"));
  CHECK(access((folder / "out/3.png").c_str(), F_OK) == 0);
  CHECK(access((folder / "out/4.png").c_str(), F_OK) != 0);
}

}  // namespace tessera::tests
