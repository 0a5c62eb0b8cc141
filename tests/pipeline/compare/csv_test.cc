#include "pipeline/compare/csv.h"

#include <catch2/catch.hpp>
#include <map>

#include "tests/pipeline/compare/sample_runs.h"

namespace tessera::tests {
namespace {

using Row = std::vector<std::string>;

/// RFC 4180, every rule of it.
std::vector<Row> read_csv(const std::string& text) {
  std::vector<Row> rows{{}};
  std::string field;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inside) {
      if (text[i] != '"')
        field += text[i];
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        inside = false;
    } else if (text[i] == '"') {
      REQUIRE(field.empty());
      inside = true;
    } else if (text[i] == ',') {
      rows.back().push_back(std::exchange(field, ""));
    } else if (text.compare(i, 2, "\r\n") == 0) {
      rows.back().push_back(std::exchange(field, ""));
      rows.emplace_back();
      ++i;
    } else {
      REQUIRE(text[i] != '\n');
      field += text[i];
    }
  }
  REQUIRE_FALSE(inside);
  REQUIRE(rows.back().empty());
  rows.pop_back();
  return rows;
}

/// section|name|metric|run -> value, unit
std::map<std::string, std::pair<double, std::string>> figures(const Json& document) {
  std::map<std::string, std::pair<double, std::string>> found;
  std::vector<Row> rows = read_csv(pipeline::to_csv(document));
  CHECK(rows.front() == Row{"section", "name", "metric", "run", "value", "unit"});
  rows.erase(rows.begin());
  for (const Row& row : rows) {
    REQUIRE(row.size() == 6);
    const std::string key = row[0] + "|" + row[1] + "|" + row[2] + "|" + row[3];
    INFO(key);
    CHECK(found.try_emplace(key, std::stod(row[4]), row[5]).second);
  }
  return found;
}

TEST_CASE("CSV has every figure once, with all its digits and its unit") {
  const Json document = sample_document();
  const auto found = figures(document);
  std::size_t runs = 0;
  for (const Json& c : document.at("runs").at("configurations")) {
    const std::string name = "runs|" + c.at("name").get<std::string>();
    INFO(name);
    for (const Json& run : c.at("runs")) {
      const auto at = found.at(name + "|wall_s|" + run.at("round").dump());
      CHECK(at == std::pair(run.at("wall_s").get<double>(), std::string("s")));
      ++runs;
    }
    CHECK(found.at(name + "|wall_s|").first == c.at("wall_s").at("median"));
    CHECK(found.at(name + "|images_per_s|") ==
          std::pair(c.at("images_per_s").at("median").get<double>(), std::string("1/s")));
    CHECK(found.at(name + "|memory/pss_bytes|") ==
          std::pair(c.at("memory").at("pss_bytes").get<double>(), std::string("B")));
    CHECK(found.at(name + "|relative|") == std::pair(c.at("relative").at("ratio").get<double>(), std::string("1")));
    if (c.contains("phases_s"))
      CHECK(found.at(name + "|phases_s/decode|") ==
            std::pair(c.at("phases_s").at("decode").at("median").get<double>(), std::string("s")));
  }
  CHECK(runs == 48);
  for (const Json& group : document.at("costs").at("groups"))
    for (const Json& row : group.value("rows", Json::array())) {
      const auto at =
          found.at("costs|" + group.at("id").get<std::string>() + "/" + row.at("id").get<std::string>() + "|seconds|");
      CHECK(at == std::pair(row.at("seconds").at("median").get<double>(), std::string("s")));
    }
  CHECK(found.count("costs|handover/pipe@4096|seconds|") == 1);
  for (const Json& row : document.at("faults").at("rows")) {
    const std::string name = "faults|" + row.at("fault").get<std::string>() + "/" + row.at("mode").get<std::string>();
    CHECK(found.at(name + "|lost|").first == row.at("lost"));
    CHECK(found.at(name + "|survived|").first == (row.at("survived") == true ? 1 : 0));
    CHECK(found.at(name + "|recover_s|").second == "s");
  }
  for (const Json& way : document.at("balance").at("ways"))
    CHECK(found.at("balance|" + way.at("id").get<std::string>() + "|tail_s|").first == way.at("tail_s").at("median"));
}

TEST_CASE("CSV keeps names that have commas, quotes and line breaks in them") {
  Json document = sample_document();
  const std::string name = "my \"own\", fast\r\nand short";
  document.at("runs").at("configurations")[1]["name"] = name;
  document.at("runs").at("configurations")[2]["name"] = "two\r\nlines";
  CHECK(figures(document).count("runs|two\r\nlines|wall_s|3") == 1);
  CHECK(figures(document).count("runs|" + name + "|wall_s|3") == 1);
}

}  // namespace
}  // namespace tessera::tests
