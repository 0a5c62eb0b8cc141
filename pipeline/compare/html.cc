#include "pipeline/compare/html.h"

#include <fmt/format.h>

#include "pipeline/compare/html_parts.h"
#include "pipeline/compare/html_svg.h"

namespace tessera::pipeline {
namespace {

using html::At;

std::string title_of(const At& document) {
  const auto alone = [&](const char* section) {
    for (const char* other : {"runs", "costs", "faults", "balance"})
      if (document.has(other) != (std::string_view(other) == section)) return false;
    return true;
  };
  const At set = document["set"];
  const std::string on = set.there() ? fmt::format(", on {} pictures", set["images"].json()) : "";
  if (alone("costs")) return "What threads and processes cost here";
  if (alone("faults")) return "What a fault costs with threads and with processes" + on;
  if (alone("balance")) return "How to deal out huge and small pictures" + on;
  if (document.has("runs")) return "Threads or processes" + on;
  return "Threads and processes, measured" + on;
}

std::string head(const At& document) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src "
      "data:\"/>\n"
      "<link rel=\"icon\" href=\"data:,\"/>\n<title>{}</title>\n<style>\n{}</style>\n</head>\n",
      title_of(document), html::style_sheet());
}

// "2026-11-20T20:15:42Z" as people write it.
std::string created(const std::string& iso) {
  if (iso.size() != 20 || iso[10] != 'T' || iso[19] != 'Z') return html::escape(iso);
  return fmt::format("<time datetime=\"{}\">{} {} UTC</time>", html::escape(iso), html::escape(iso.substr(0, 10)),
                     html::escape(iso.substr(11, 5)));
}

std::string header(const At& document) {
  const At set = document["set"];
  std::string out = "<header>\n<p class=\"kicker\">Tessera compare</p>\n<h1>" + title_of(document) + "</h1>\n";
  std::string about;
  if (set.there()) {
    about = fmt::format("{} pictures, {}", html::figure(set["images"], html::Unit::kCount),
                        html::figure(set["bytes"], html::Unit::kBytes));
    if (set.has("megapixels"))
      about += fmt::format(", {} megapixels", html::figure(set["megapixels"], html::Unit::kNumber));
    about += "; ";
  }
  const At machine = document["machine"];
  about += fmt::format("{}, {} processors; measured {} by {}", html::name(machine["cpu"].text()),
                       html::figure(machine["cpus"], html::Unit::kCount), created(document["created"].text()),
                       html::name(document["program"].text()));
  return out + html::paragraph(about + ".", "about") + "</header>\n";
}

std::string navigation(const At& document) {
  std::string out = "<nav aria-label=\"Sections\"><ul>\n";
  const std::pair<const char*, const char*> places[]{
      {"runs", "Configurations"}, {"costs", "Costs"}, {"faults", "Faults"}, {"balance", "Balance"}};
  for (const auto& [id, words] : places)
    if (document.has(id)) out += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", id, words);
  return out + "<li><a href=\"#method\">Method</a></li>\n</ul></nav>\n";
}

// Within <script> only "<" can end or comment anything; ">" and "&" are for readers that take the page for XML.
std::string embedded(const Json& document) {
  std::string out = "<script type=\"application/json\" id=\"tessera-compare\">";
  for (const char c : document.dump()) {
    if (c == '<' || c == '>' || c == '&')
      out += fmt::format("\\u{:04x}", c);
    else
      out += c;
  }
  return out + "</script>\n";
}

}  // namespace

std::string to_html(const Json& given) {
  // What is shown is what is embedded, also where a string was no UTF-8.
  const Json document = Json::parse(given.dump(-1, ' ', false, Json::error_handler_t::replace));
  const At root(document);
  return head(root) + "<body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n" + html::pattern_definitions() +
         header(root) + navigation(root) + "<main id=\"main\">\n" + html::answer_part(root) + html::runs_part(root) +
         html::costs_part(root) + html::faults_part(root) + html::balance_part(root) + html::method_part(root) +
         "</main>\n<footer>\n" +
         html::paragraph("Made by " + html::name(root["program"].text()) +
                         " from the document embedded in this page.") +
         "</footer>\n" + embedded(document) + "</body>\n</html>\n";
}

}  // namespace tessera::pipeline
