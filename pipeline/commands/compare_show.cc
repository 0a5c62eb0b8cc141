#include <fmt/format.h>

#include <fstream>

#include "pipeline/commands/compare.h"
#include "pipeline/printable.h"

namespace tessera::pipeline {

void add_compare_show(CLI::App& compare, Command& chosen) {
  struct Flags {
    std::string file;
    ShowFlags show;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = *compare.add_subcommand("show", "Show or convert a result that --export-json kept");
  app.add_option("file", flags->file, "A result")->type_name("FILE.json")->required();
  flags->show.add_to(app);
  app.callback([flags, &chosen] {
    chosen = [flags] {
      flags->show.check();
      std::ifstream in(flags->file, std::ios::binary);
      if (!in) throw UsageError(fmt::format("{} cannot be read", printable(flags->file)));
      const Json document = Json::parse(in, nullptr, false);
      check_document(document, flags->file);
      try {
        flags->show.deliver(document);
      } catch (const Json::exception& e) {
        throw UsageError(fmt::format("{} is damaged: {}", printable(flags->file), e.what()));
      }
      return kAllDone;
    };
  });
}

}  // namespace tessera::pipeline
