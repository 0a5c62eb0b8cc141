#include "stages/catalogue.h"

#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "tests/stages/naive.h"

using namespace tessera::stages;

TEST_CASE("every stage is documented, and its example works", "[catalogue]") {
  std::set<std::string_view> names;
  for (const StageEntry& entry : catalogue()) {
    INFO(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK(find_stage(entry.name) == &entry);
    CHECK_FALSE(entry.help.empty());
    std::istringstream words{std::string(entry.example)};
    std::string op, word;
    words >> op;
    CHECK(op == entry.name);
    std::vector<Values::Pair> pairs;
    while (words >> word) {
      const auto equals = word.find('=');
      if (equals == std::string::npos)
        pairs.emplace_back("", word);
      else
        pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
    CHECK_NOTHROW(entry.make(Values::parse(entry.name, entry.parameters, pairs)));
    std::set<std::string_view> parameters;
    for (const Parameter& p : entry.parameters) {
      INFO(p.name);
      CHECK(parameters.insert(p.name).second);
      CHECK_FALSE(p.help.empty());
      CHECK_FALSE((p.required && !p.default_value.empty()));
      CHECK((p.type == ParameterType::choice) == !p.choices.empty());
    }
  }
}

TEST_CASE("a stage's worst exactness is what the catalogue says", "[catalogue]") {
  for (const StageEntry& entry : catalogue()) {
    if (entry.group == "geometry") continue;  // examples need files and sizes; their own tests say it
    INFO(entry.name);
    std::vector<Values::Pair> required;
    for (const Parameter& p : entry.parameters)
      if (p.required) required.emplace_back(p.name, "1");
    const auto stage = entry.make(Values::parse(entry.name, entry.parameters, required));
    bool same_tiling = false;
    for (const Model model : {Model::gray, Model::bgr})
      for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
        for (const bool alpha : {false, true})
          same_tiling = same_tiling || stage->exactness({model, depth, alpha}) == Exactness::same_tiling;
    CHECK(same_tiling == (entry.exactness == Exactness::same_tiling));
  }
}

TEST_CASE("an unknown stage is not found", "[catalogue]") { CHECK(find_stage("blurr") == nullptr); }
