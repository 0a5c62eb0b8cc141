#include "pipeline/journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "pipeline/job_files.h"
#include "pipeline/output_tree.h"
#include "tests/pipeline/program.h"

namespace tessera::tests {
using namespace pipeline;

namespace {
ItemRow item(std::uint64_t index, Terminal terminal = {}) {
  ItemRow row;
  row.item = index;
  row.source = fmt::format("in/\xff name\n{}.jpg", index);
  row.bytes = 1234;
  row.terminal = std::move(terminal);
  row.original_width = 40;
  row.original_height = 30;
  row.source_hash.fill(std::byte{0xAB});
  return row;
}
ProductRow product(std::uint32_t output) {
  ProductRow row{output, "out.jpg", {99, 777, 5}, {}};
  row.result = {777, 20, 15, {}, {}};
  row.result.pixel_hash.fill(std::byte{0xCD});
  return row;
}
const SessionInfo kSession{"boot", false, "processes"};
}  // namespace

TEST_CASE("what was written comes back, ordered by item and output", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {}, kSession);
  for (const std::uint64_t index : {2u, 0u, 1u}) {
    if (index == 1) {
      journal.close(item(index, {Terminal::Kind::failed, "it is broken", FailReason::image}));
    } else {
      journal.intend(item(index), {product(1), product(0)});
      journal.close_intended(item(index));
    }
  }
  std::vector<std::uint64_t> seen;
  journal.for_each_item([&](const ItemRow& row, const std::vector<ProductRow>& rows) {
    seen.push_back(row.item);
    CHECK(row.source == item(row.item).source);
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
  {
    Journal journal(folder / "j.sqlite");
    journal.begin_run("recipe", {}, kSession);
    journal.close(item(0));
    journal.commit();
    CHECK_THROWS_WITH(journal.close(item(0)), Catch::Contains("journal"));
    CHECK_THROWS_AS(journal.close(item(1)), JournalError);  // nothing is written after an error
  }
  Journal journal(folder / "j.sqlite");
  journal.continue_run(kSession);
  CHECK(journal.find(item(0).source));
  CHECK_FALSE(journal.find(item(1).source));
  journal.begin_run("recipe", {}, kSession);
  CHECK_FALSE(journal.find(item(0).source));
}

TEST_CASE("intents that were not closed are not in the manifest", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {}, kSession);
  journal.intend(item(0), {product(0)});
  journal.withdraw(item(0, {Terminal::Kind::failed, "its name was taken", FailReason::output}));
  journal.intend(item(1), {product(0)});
  journal.close(item(2));
  write_manifest(journal, folder / "m.jsonl");
  const std::string text = read_file(folder / "m.jsonl");
  CHECK(text.starts_with(
      R"({"file_name":null,"status":"failed","reason":"output","error_message":"its name was taken")"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  const auto intended = journal.find(item(1).source);
  REQUIRE(intended);
  CHECK_FALSE(intended->closed);
  CHECK(intended->products.at(0).file == product(0).file);
}

TEST_CASE("names that are no UTF-8 stand in the manifest byte for byte", "[journal]") {
  TemporaryFolder folder;
  Journal journal(folder / "j.sqlite");
  journal.begin_run("recipe", {}, kSession);
  ProductRow row = product(0);
  row.name = "\xfe\n.jpg";
  journal.intend(item(0), {row});
  journal.close_intended(item(0));
  write_manifest(journal, folder / "m.jsonl");
  const auto line = nlohmann::json::parse(read_file(folder / "m.jsonl"));
  CHECK(line.value("file_name_bytes", "") == "fe0a2e6a7067");
  CHECK(line.value("source_bytes", "") == "696e2fff206e616d650a302e6a7067");
}

TEST_CASE("a resumed run keeps rows, forgets those that are done again, and lists them as they are listed now",
          "[journal]") {
  TemporaryFolder folder;
  Hash128 hash{};
  hash[0] = std::byte{7};
  {
    Journal journal(folder / "j.sqlite");
    CHECK_FALSE(journal.last_recipe_hash());
    journal.begin_run("recipe", hash, kSession);
    for (const std::uint64_t index : {0u, 1u, 2u}) {
      ItemRow row = item(index);
      if (index == 2) row.failure = FailureBundle{11, "decoding", "sharpen", "tail", "tessera run", 2};
      journal.intend(row, {product(0)});
      journal.close_intended(row);
    }
  }
  Journal journal(folder / "j.sqlite");
  REQUIRE(journal.last_recipe_hash() == hash);
  journal.continue_run({"another boot", false, "serial"});
  for (const std::uint64_t index : {0u, 1u, 2u}) {
    auto row = journal.find(item(index).source);
    REQUIRE(row);
    CHECK(row->closed);
    CHECK_FALSE(row->durable);
    CHECK_FALSE(row->listed);
    CHECK(row->item.failure.has_value() == (index == 2));
    if (index == 1) {
      journal.make_replaceable(row->item.source, "out.jpg", row->products[0].file);
      journal.reopen(row->item.source);
      continue;
    }
    row->item.item = 9 - index;
    journal.keep(*row);
    CHECK(journal.find(item(index).source)->listed);
    CHECK(journal.find(item(index).source)->durable);
  }
  CHECK_FALSE(journal.find(item(1).source));
  CHECK(journal.replaceable("out.jpg", product(0).file));
  CHECK_FALSE(journal.replaceable("out.jpg", {99, 777, 6}));
  std::vector<std::uint64_t> seen;
  journal.for_each_item([&](const ItemRow& row, const std::vector<ProductRow>& rows) {
    seen.push_back(row.item);
    CHECK(rows.size() == 1);
    if (row.failure) CHECK(row.failure->stage == "sharpen");
  });
  CHECK(seen == std::vector<std::uint64_t>{7, 9});
}

TEST_CASE("a mark outlives the program until its item is closed", "[journal]") {
  TemporaryFolder folder;
  {
    Journal journal(folder / "j.sqlite");
    journal.begin_run("recipe", {}, kSession);
    for (const std::uint64_t index : {0u, 1u, 2u}) journal.mark_begun(item(index).source, index == 1);
    journal.close(item(0));
    journal.intend(item(2), {product(0)});
  }
  Journal journal(folder / "j.sqlite");
  CHECK(journal.begun() == std::map<std::string, bool>{{item(1).source, true}});
  journal.clear_begun();
  CHECK(journal.begun().empty());
}

TEST_CASE("a damaged, foreign or later journal is refused with what to do", "[journal]") {
  TemporaryFolder folder;
  write_file(folder / "text", std::string(5000, 'x'));
  CHECK_THROWS_WITH(Journal(folder / "text"), Catch::Contains("damaged") && Catch::Contains(".tessera"));
  { Journal journal(folder / "later"); }
  {
    Database database(folder / "later");
    database.execute("PRAGMA user_version=77");
  }
  CHECK_THROWS_WITH(Journal(folder / "later"), Catch::Contains("a later version") && Catch::Contains(".tessera"));
  CHECK_THROWS_AS(Journal(folder / "no/such/folder"), JournalError);
}

TEST_CASE("a torn log costs rows and nothing else", "[journal]") {
  TemporaryFolder folder;
  std::string log, data;
  {
    Journal journal(folder / "j");
    journal.begin_run("recipe", {}, kSession);
    for (std::uint64_t index = 0; index < 40; ++index) journal.close(item(index)), journal.commit();
    log = read_file(folder / "j-wal"), data = read_file(folder / "j");
  }
  std::mt19937 random(test_seed());
  INFO("seed " << test_seed());
  REQUIRE(log.size() > 40000);
  std::size_t least = 40, most = 0;
  for (int round = 0; round < 20; ++round) {
    write_file(folder / "torn", data);
    write_file(folder / "torn-wal",
               log.substr(0, std::uniform_int_distribution<std::size_t>(20000, log.size())(random)));
    Journal journal(folder / "torn");
    journal.continue_run(kSession);
    std::size_t rows = 0;
    for (std::uint64_t index = 0; index < 40; ++index)
      if (const auto row = journal.find(item(index).source)) {
        CHECK(row->item.source_hash == item(index).source_hash);
        CHECK(rows == index);  // what is lost is the end
        ++rows;
      }
    least = std::min(least, rows), most = std::max(most, rows);
  }
  CHECK(least < most);
}

TEST_CASE("two runs on one journal exclude each other with a sentence", "[journal]") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "in");
  write_picture(folder / "in/a.png", OwnedImage(make_naive(4, 4, {})), "png");
  std::filesystem::create_directories(folder / "out/.tessera");
  Journal journal(folder / "out/.tessera/journal.sqlite");
  journal.begin_run("recipe", {}, kSession);
  const ProgramResult result = run_program({"run", folder / "in", "-o", folder / "out"});
  CHECK(result.code == 4);
  CHECK_THAT(result.err, Catch::Contains(fmt::format("another run (process {}) is using the journal", getpid())));
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
