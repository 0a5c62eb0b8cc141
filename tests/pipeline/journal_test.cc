#include "pipeline/journal.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "pipeline/job_files.h"
#include "pipeline/output_tree.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;

namespace {
ItemRow item(std::uint64_t index, Terminal terminal = {}) {
  ItemRow row;
  row.item = index;
  row.source = "in/\xff name\n.jpg";
  row.bytes = 1234;
  row.terminal = std::move(terminal);
  row.original_width = 40;
  row.original_height = 30;
  row.source_hash.fill(std::byte{0xAB});
  return row;
}
ProductRow product(std::uint64_t index, std::uint32_t output) {
  ProductRow row{index, output, "out.jpg", 99, {}};
  row.result = {777, 20, 15, {}, {}};
  row.result.pixel_hash.fill(std::byte{0xCD});
  return row;
}
}  // namespace

TEST_CASE("what was written comes back, ordered by item and output", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {});
  for (const std::uint64_t index : {2u, 0u, 1u}) {
    if (index != 1)
      for (const std::uint32_t output : {1u, 0u})
        journal.intend(product(index, output)), journal.published(product(index, output));
    journal.close(
        item(index, index == 1 ? Terminal{Terminal::Kind::failed, "it is broken", FailReason::image} : Terminal{}));
  }
  std::vector<std::uint64_t> seen;
  journal.for_each_item([&](const ItemRow& row, const std::vector<ProductRow>& rows) {
    seen.push_back(row.item);
    CHECK(row.source == "in/\xff name\n.jpg");
    REQUIRE(rows.size() == (row.item == 1 ? 0 : 2));
    if (rows.size() == 2) {
      CHECK(rows[0].output == 0);
      CHECK(rows[1].output == 1);
      CHECK(rows[0].result.width == 20);
      CHECK(to_hex(rows[0].result.pixel_hash).substr(0, 4) == "cdcd");
    } else {
      CHECK(row.terminal.kind == Terminal::Kind::failed);
      CHECK(row.terminal.sentence == "it is broken");
    }
  });
  CHECK(seen == std::vector<std::uint64_t>{0, 1, 2});
}

TEST_CASE("an item has one terminal row, and a second run starts empty", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {});
  journal.close(item(0));
  CHECK_THROWS_WITH(journal.close(item(0)), Catch::Contains("journal"));
  journal.begin_run("recipe", {});
  int rows = 0;
  journal.for_each_item([&](const ItemRow&, const std::vector<ProductRow>&) { ++rows; });
  CHECK(rows == 0);
}

TEST_CASE("intents without a publication are not in the manifest", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {});
  journal.intend(product(0, 0));
  journal.withdraw(0);
  journal.intend(product(1, 0));
  journal.close(item(0));
  journal.close(item(1));
  write_manifest(journal, folder / "m.jsonl");
  const std::string text = read_file(folder / "m.jsonl");
  CHECK(text.starts_with(R"({"file_name":null,"status":"done","reason":null,"error_message":null,"width")"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("two runs on one journal exclude each other with a sentence", "[journal]") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  write_picture(folder / "in/a.png", OwnedImage(make_naive(4, 4, {})), "png");
  std::filesystem::create_directories(folder / "out/.tessera");
  Journal journal(folder / "out/.tessera/journal.sqlite");
  journal.begin_run("recipe", {});
  const ProgramResult result = run_program({"run", folder / "in", "-o", folder / "out"});
  CHECK(result.code == 4);
  CHECK_THAT(result.err, Catch::Contains("another run is using the journal"));
}

TEST_CASE("a sink's hash is that of the file, also after going back to fill in a header", "[journal]") {
  TemporaryFolder folder;
  for (const bool back : {false, true}) {
    OutputTree tree(folder / "out");
    OutputFile file = tree.create();
    FdSink sink(file.fd());
    const std::vector<std::byte> part(300000, std::byte{42});
    sink.write_at(0, part);
    sink.write_at(300000, std::span(part).first(1000));
    if (back) sink.write_at(4, std::span(part).first(0)), sink.write_at(10, std::vector<std::byte>(8, std::byte{1}));
    sink.finish();
    CHECK(sink.bytes() == 301000);
    CHECK(sink.hash() == FdSource(file.fd()).hash_all());
  }
}

TEST_CASE("a table reads back, and anything else is refused", "[journal]") {
  Table table;
  table.pieces.push_back({{1, 2, 4096, 100}, 0, 16});
  table.statistics.resize(2);
  table.resolved.push_back({10, 20, {}, {}, 0});
  const std::vector<std::byte> bytes = to_bytes(table);
  const Table back = table_from(bytes);
  CHECK(back.pieces[0].block == table.pieces[0].block);
  CHECK(back.resolved[0] == table.resolved[0]);
  for (std::size_t n = 0; n < bytes.size(); ++n) CHECK_THROWS(table_from(std::span(bytes).first(n)));
}

}  // namespace tessera::tests
