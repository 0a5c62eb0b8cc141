// The page against its document: every figure where it says it is from, nothing that a name could break out of.
#include "pipeline/compare/html.h"

#include <catch2/catch.hpp>
#include <cctype>
#include <regex>
#include <set>
#include <string>

#include "pipeline/compare/html_text.h"
#include "tests/pipeline/program.h"

namespace tessera::pipeline {
namespace {

Json sample() { return Json::parse(tests::read_file(TESSERA_SOURCE "/tests/pipeline/compare_sample.json")); }

// The text of XML: entities back to characters.
std::string unescaped(std::string text) {
  for (const auto& [entity, character] : std::vector<std::pair<std::string, std::string>>{
           {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})
    for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos; at += character.size())
      text.replace(at, entity.size(), character);
  return text;
}

Json embedded(const std::string& page) {
  const std::string open = "<script type=\"application/json\" id=\"tessera-compare\">";
  const std::size_t begin = page.find(open);
  REQUIRE(begin != std::string::npos);
  const std::size_t end = page.find("</script>", begin);
  return Json::parse(page.substr(begin + open.size(), end - begin - open.size()));
}

// `word name="value" ...` with an optional slash at either end.
bool well_formed_tag(const std::string& tag) {
  const auto word = [&tag](std::size_t& at) {
    const std::size_t begin = at;
    while (at < tag.size() && (std::isalnum(static_cast<unsigned char>(tag[at])) != 0 || tag[at] == '-')) ++at;
    return at > begin;
  };
  std::size_t at = tag.starts_with('/') ? 1 : 0;
  if (!word(at)) return false;
  while (at < tag.size() && tag[at] == ' ') {
    if (!word(++at) || tag.compare(at, 2, "=\"") != 0) return false;
    at = tag.find('"', at + 2);
    if (at == std::string::npos) return false;
    ++at;
  }
  return at == tag.size() || (at + 1 == tag.size() && tag[at] == '/');
}

// What is wrong with the page as XML: tags that do not nest, bare ampersands, ids that are there twice. "" is good.
std::string malformed(const std::string& page) {
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::size_t at = page.find("<html");
  while ((at = page.find_first_of("<&", at)) != std::string::npos) {
    if (page[at] == '&') {
      static const std::regex entity("&(lt|gt|amp|quot|#39);");
      if (!std::regex_search(page.begin() + static_cast<std::ptrdiff_t>(at), page.end(), entity,
                             std::regex_constants::match_continuous))
        return "a bare ampersand at " + page.substr(at, 30);
      ++at;
      continue;
    }
    const std::size_t end = page.find('>', at);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (!well_formed_tag(tag)) return "no tag: <" + tag.substr(0, 200) + ">";
    if (const std::size_t id = tag.find(" id=\""); id != std::string::npos) {
      const std::string value = tag.substr(id + 5, tag.find('"', id + 5) - id - 5);
      if (!ids.insert(value).second) return "an id twice: " + value;
    }
    const std::string word = tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "</" + tag.substr(1) + "> closes nothing";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(word);
    }
    at = end;
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

std::size_t count(const std::string& page, const std::string& text) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = page.find(text, at)) != std::string::npos; at += text.size()) ++found;
  return found;
}

// Every figure's value is that of the document at its pointer. Gives the pointers.
std::set<std::string> checked_pointers(const std::string& page) {
  const Json document = embedded(page);
  std::set<std::string> pointers;
  static const std::regex figure(R"re(<(?:data|tspan) (?:data-)?value="([^"]*)" data-json="([^"]*)">([^<]*)<)re");
  for (std::sregex_iterator match(page.begin(), page.end(), figure), end; match != end; ++match) {
    const std::string pointer = unescaped((*match)[2]);
    INFO(pointer);
    const Json::json_pointer place(pointer);
    REQUIRE(document.contains(place));
    CHECK(document.at(place) == Json::parse((*match)[1].str()));
    CHECK_FALSE((*match)[3].str().empty());
    pointers.insert(pointer);
  }
  CHECK(count(page, "data-json=\"") ==
        static_cast<std::size_t>(
            std::distance(std::sregex_iterator(page.begin(), page.end(), figure), std::sregex_iterator())));
  return pointers;
}

void check_page(const std::string& page) {
  CHECK(malformed(page) == "");
  checked_pointers(page);
  for (const std::string from_outside : {"http://", "https://", "src=", "@import", "url(//"}) {
    INFO(from_outside);
    CHECK(page.substr(0, page.find("<script")).find(from_outside) == std::string::npos);
  }
  CHECK(count(page, "<script") == 1);
}

const std::vector<std::string> kHostile{"<script>alert(1)</script>",
                                        "\"><img onerror=x>",
                                        "a & b &lt; '",
                                        "]]><!--</title></svg></script>",
                                        "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xE2\x80\xAE reversed",
                                        std::string("nul\0bell\a", 9),
                                        "no \xff UTF-8",
                                        "a/b~c"};

// Puts a hostile text into every string of a document that is no part of its format.
void poison(Json& value, std::size_t& next, const std::string& key = "") {
  static const std::set<std::string> format{"schema", "id", "x", "mode", "kind", "fault", "cache"};
  if (value.is_string() && !format.contains(key)) value = kHostile[next++ % kHostile.size()] + value.get<std::string>();
  if (value.is_object())
    for (auto& item : value.items()) poison(item.value(), next, item.key());
  if (value.is_array())
    for (auto& item : value) poison(item, next, key);
}

TEST_CASE("every figure of the page stands in the document at its pointer") {
  const std::string page = to_html(sample());
  check_page(page);
  const std::set<std::string> pointers = checked_pointers(page);
  for (const std::string one :
       {"/runs/configurations/0/wall_s/median", "/runs/configurations/5/images_per_s/median",
        "/runs/configurations/2/memory/private_bytes", "/runs/configurations/3/involuntary_switches/median",
        "/runs/pairs/0/p_adjusted", "/runs/scaling/1/points/0/speedup/low", "/costs/groups/0/rows/0/seconds/median",
        "/costs/groups/1/curves/0/points/2/seconds/high", "/faults/rows/0/lost", "/balance/ways/2/utilisation/median",
        "/balance/ways/0/timeline/slots/0/jobs/0/begin_s", "/machine/cpus", "/seed"}) {
    INFO(one);
    CHECK(pointers.contains(one));
  }
}

TEST_CASE("the page carries the whole document") { CHECK(embedded(to_html(sample())) == sample()); }

TEST_CASE("no text of the document breaks out of its place in the page") {
  Json document = sample();
  std::size_t next = 0;
  poison(document, next);
  REQUIRE(next > 100);
  const std::string page = to_html(document);
  check_page(page);
  CHECK(page.find("<img") == std::string::npos);
  CHECK(page.find("alert(1)</script>") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(1)&lt;/script&gt;") != std::string::npos);
  CHECK(page.find("no \xEF\xBF\xBD UTF-8") != std::string::npos);
  CHECK(embedded(page).at("runs").at("verdict").at(0) != sample().at("runs").at("verdict").at(0));
}

TEST_CASE("a page is made of the sections that are there") {
  const std::vector<std::string> sections{"runs", "costs", "faults", "balance"};
  for (unsigned kept = 0; kept < 16; ++kept) {
    Json document = sample();
    for (std::size_t i = 0; i < sections.size(); ++i)
      if ((kept >> i & 1) == 0) document.erase(sections[i]);
    if (kept % 2 == 0) document.erase("set");
    const std::string page = to_html(document);
    INFO("sections " << kept);
    check_page(page);
    for (std::size_t i = 0; i < sections.size(); ++i)
      CHECK((page.find("<h2 id=\"" + sections[i] + "\">") != std::string::npos) == (kept >> i & 1));
    CHECK((page.find("<h2 id=\"answer\">") != std::string::npos) == (kept > 0));
    CHECK((page.find("<title>Threads or processes") != std::string::npos) == (kept & 1));
    CHECK((page.find("<title>What a fault costs") != std::string::npos) == (kept == 4));
    CHECK(page.find("<h2 id=\"method\">") != std::string::npos);
  }
}

TEST_CASE("one configuration and thirty both make a page") {
  for (const std::size_t many : {1U, 30U}) {
    Json document = sample();
    Json& runs = document["runs"];
    const Json first = runs["configurations"][0];
    runs["configurations"] = Json::array();
    for (std::size_t i = 0; i < many; ++i) {
      runs["configurations"].push_back(first);
      runs["configurations"][i]["name"] = "configuration " + std::to_string(i) + std::string(i * 10, 'x');
    }
    runs["pairs"] = Json::array();
    runs["scaling"] = Json::array();
    const std::string page = to_html(document);
    check_page(page);
    // Twice in drawings (wide and narrow), and in tables.
    CHECK(count(page, "configuration 0") >= 4);
    CHECK(checked_pointers(page).contains("/runs/configurations/" + std::to_string(many - 1) + "/wall_s/median"));
  }
}

TEST_CASE("what was not measured is said to be so") {
  Json document = sample();
  document["faults"]["rows"][0]["signal"] = nullptr;
  document["faults"]["rows"][0].erase("exit_code");
  for (const char* key : {"phases_s", "timeline", "utilisation", "speedup", "efficiency", "tail_s", "messages"})
    for (Json& configuration : document["runs"]["configurations"]) configuration.erase(key);
  const std::string page = to_html(document);
  check_page(page);
  CHECK(count(page, "not measured") > count(to_html(sample()), "not measured"));
  CHECK(page.find("id=\"timelines\"") == std::string::npos);
  CHECK(page.find("id=\"phases\"") == std::string::npos);
}

TEST_CASE("intervals of no width and times of nothing are drawn") {
  Json document = sample();
  for (Json& configuration : document["runs"]["configurations"])
    for (const char* key : {"median", "mean", "min", "max", "low", "high", "sigma"}) configuration["wall_s"][key] = 0.0;
  for (Json& group : document["costs"]["groups"]) {
    for (Json& row : group["rows"]) row["seconds"]["median"] = row["seconds"]["low"] = row["seconds"]["high"] = 0;
    for (Json& curve : group["curves"])
      for (Json& point : curve["points"]) point["seconds"]["median"] = point["seconds"]["low"] = 0;
  }
  const std::string page = to_html(document);
  check_page(page);
  const std::string shown = page.substr(0, page.find("<script"));
  for (const std::string number : {"nan", "inf"}) {
    INFO(number);
    CHECK_FALSE(std::regex_search(shown, std::regex("[\" ,MHVL-]" + number + "[\" ,HVLz]")));
  }
}

TEST_CASE("every drawing says in words what it shows and is followed by its figures") {
  const std::string page = to_html(sample());
  const std::regex drawing(R"re(<svg class="(wide|narrow)" role="img" aria-labelledby="([^ ]+) ([^"]+)"[^>]*>)re"
                           R"re(\s*<title id="([^"]+)">([^<]+)</title><desc id="([^"]+)">([^<]+)</desc>)re");
  std::size_t drawings = 0;
  for (std::sregex_iterator match(page.begin(), page.end(), drawing), end; match != end; ++match, ++drawings) {
    CHECK((*match)[2] == (*match)[4]);
    CHECK((*match)[3] == (*match)[6]);
    CHECK((*match)[5].length() > 20);
    CHECK((*match)[7].length() > 20);
  }
  CHECK(drawings == count(page, "role=\"img\" aria-labelledby"));
  CHECK(drawings == 2 * count(page, "<figure "));
  CHECK(drawings >= 20);
  CHECK(count(page, "<summary>The figures of this chart</summary>\n<div class=\"scroll\"") == count(page, "<figure "));
}

TEST_CASE("with too few runs no pair is called equal") {
  Json document = sample();
  CHECK(to_html(document).find("too few runs to test") == std::string::npos);
  document["runs"]["method"]["runs"] = 3;
  for (Json& pair : document["runs"]["pairs"]) pair["significant"] = false;
  for (Json& way : document["balance"]["ways"]) way["wall_s"]["n"] = 3;
  const std::string page = to_html(document);
  check_page(page);
  const std::size_t begin = page.find("<h3 id=\"pairs\">");
  const std::string matrix = page.substr(begin, page.find("<figure", begin) - begin);
  CHECK(matrix.find("≈") == std::string::npos);
  CHECK(matrix.find("within noise") == std::string::npos);
  CHECK(count(matrix, "<span class=\"pair noise\">? ") == document["runs"]["pairs"].size());
  CHECK(count(matrix, "<td>too few runs to test</td>") == document["runs"]["pairs"].size());
  const std::size_t balance = page.find("<h3 id=\"balance-pairs\">");
  CHECK(page.find("too few runs to test", balance) != std::string::npos);
  CHECK(page.find("Not decided: too few runs") != std::string::npos);
}

TEST_CASE("faults say what happened, and no recovery below nothing") {
  Json document = sample();
  document["faults"]["rows"][2]["recover_s"] = -0.023;
  const std::string page = to_html(document), shown = page.substr(0, page.find("<script"));
  CHECK(shown.find("-23.0 ms") == std::string::npos);
  CHECK(count(shown, "no measurable difference") >= 2);
  CHECK(shown.find(">Hung</strong><br/><bdi>killed after 20 s") != std::string::npos);
  CHECK(shown.find("Run lost") == std::string::npos);
  CHECK(shown.find("exit code 1: some images failed") != std::string::npos);
  const std::size_t section = shown.find("<h2 id=\"faults\">");
  const std::string explanation = document["faults"]["explanation"].get<std::string>().substr(0, 40);
  CHECK(shown.find(explanation, section) > shown.find("<table", section));
}

TEST_CASE("windows too small to be seen have no key") {
  Json document = sample();
  CHECK(to_html(document).find(">pages of windows</text>") != std::string::npos);
  for (Json& c : document["runs"]["configurations"]) c["memory"]["windows_bytes"] = 4096;
  const std::string page = to_html(document);
  CHECK(page.find(">pages of windows</text>") == std::string::npos);
  CHECK(page.find("The thin bar") == std::string::npos);
}

TEST_CASE("a peer heads no chart, and huge pictures are told one by one") {
  const std::string page = to_html(sample());
  CHECK(page.find("</bdi> has the shortest median of Tessera&#39;s") == std::string::npos);
  CHECK(page.find("<bdi>vips_xargs</bdi> has the shortest") == std::string::npos);
  CHECK(page.find("has the shortest median of Tessera's configurations") != std::string::npos);
  CHECK(html::without_tags(page).find("2 huge ones of 80.0 megapixels each") != std::string::npos);
}

TEST_CASE("options are not broken at their hyphens") {
  CHECK(html::name("hybrid -j1 --threads 2") ==
        "<bdi>hybrid <span class=\"option\">-j1</span> <span class=\"option\">--threads</span> 2</bdi>");
  CHECK(html::words("a-b - " + std::string(40, '-')) == "a-b - " + std::string(40, '-'));
}

TEST_CASE("text is escaped for elements and attributes") {
  CHECK(html::escape("<a href=\"x\">'&'</a>") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  CHECK(html::escape(std::string("a\0b\x1b\n", 5)) == "a\uFFFDb\uFFFD\n");
  CHECK(html::escape("\xC3\xA9\xE2\x80\xAE") == "\xC3\xA9\xE2\x80\xAE");
}

}  // namespace
}  // namespace tessera::pipeline
