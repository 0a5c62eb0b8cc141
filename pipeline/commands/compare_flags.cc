#include "pipeline/commands/compare_flags.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "pipeline/commands/commands.h"
#include "pipeline/compare/csv.h"
#include "pipeline/compare/html.h"
#include "pipeline/compare/launch.h"
#include "pipeline/compare/markdown.h"
#include "pipeline/compare/run_outputs.h"
#include "pipeline/compare/terminal.h"
#include "pipeline/console.h"
#include "pipeline/cpu_count.h"
#include "pipeline/environment_error.h"
#include "pipeline/job_files.h"
#include "pipeline/printable.h"
#include "pipeline/size_text.h"

namespace tessera::pipeline {
namespace fs = std::filesystem;

WorkFolder::WorkFolder(const std::string& parent) {
  std::error_code ignored;
  path_ = fmt::format("{}/tessera-compare-XXXXXX", parent.empty() ? fs::temp_directory_path(ignored).string() : parent);
  if (!mkdtemp(path_.data()))
    throw UsageError(fmt::format("no folder for outputs can be made in {}: {}; choose another with --work",
                                 printable(fs::path(path_).parent_path().string()), std::strerror(errno)));
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void SetFlags::add_to(CLI::App& app) {
  inputs_.add_to(app, true);
  app.add_option("--work", work_, "Where outputs go while it lasts; default: $TMPDIR, else /tmp")->type_name("DIR");
  recipe_.add_to(app);
  limits_.add_to(app);
  app.add_option("--memory", memory_, "Memory of each run, for pictures and codecs: 4G, 512M, 50%")->type_name("SIZE");
  sandbox_.add_to(app);
}

std::uint64_t SetFlags::memory() const { return parse_size(memory_, "--memory", usable_memory()); }

RunSet SetFlags::load(const std::string& work) {
  const Recipe recipe = recipe_.load(inputs_.recipe_path()).recipe;
  RunSet set;
  set.program = fs::read_symlink("/proc/self/exe").string();
  set.work = work;
  set.inputs = inputs_.words_for_others(work);
  set.shown_inputs = inputs_.words();
  for (const InputSource& source : inputs_.sources())
    if (source.kind == InputSource::Kind::path) set.sources.push_back(source.text);
  if (set.inputs.empty()) throw UsageError("nothing to compare with: name files, folders or patterns");
  set.limits = limits_.words();
  if (memory_ != SetFlags().memory_) set.limits.insert(set.limits.end(), {"--memory", memory_});
  for (const std::string& word : sandbox_.words()) set.limits.push_back(word);
  if (!inputs_.recipe_path().empty()) set.recipe_words.push_back(inputs_.recipe_path());
  for (const std::string& word : recipe_.words()) set.recipe_words.push_back(word);
  set.recipe_text = recipe.canonical();
  set.recipe_hash = to_hex(recipe.hash());
  set.recipe_path = work + "/recipe.toml";
  std::ofstream(set.recipe_path) << set.recipe_text;
  const auto inputs = make_input_set(inputs_.sources(), inputs_.options(work));
  while (const auto input = wait_for_next(*inputs)) {
    if (input->error) throw UsageError(fmt::format("{}: {}", printable(input->path), *input->error));
    set.paths.push_back(input->path);
    set.bytes += input->bytes;
  }
  if (set.paths.empty()) throw NothingMatched();
  return set;
}

void ShowFlags::add_to(CLI::App& app) {
  app.option_defaults()->group("Results");
  app.add_option("--report", report_, "A page with charts, complete in one file")->type_name("FILE.html");
  app.add_option("--export-json", json_, "Everything that was measured; `tessera compare show` reads it; - for stdout")
      ->type_name("FILE|-");
  app.add_option("--export-csv", csv_, "One figure a row; - for standard output")->type_name("FILE|-");
  app.add_option("--export-markdown", markdown_, "The story of threads and processes, with these figures; - for stdout")
      ->type_name("FILE|-");
}

void ShowFlags::check() const {
  for (const std::string* file : {&report_, &json_, &csv_, &markdown_}) {
    if (file->empty() || *file == "-") continue;
    const std::string folder = fs::absolute(*file).parent_path().string();
    if (access(folder.c_str(), W_OK) != 0)
      throw UsageError(
          fmt::format("{} cannot be written: {}: {}", printable(*file), printable(folder), std::strerror(errno)));
  }
}

void ShowFlags::deliver(const Json& document) const {
  bool shown = false;
  const auto write = [&](const std::string& file, const std::string& text) {
    if (file == "-") {
      shown = true;
      return say(stdout, text);
    }
    if (file.empty()) return;
    const std::string fresh = file + ".new";
    std::ofstream out(fresh, std::ios::binary);
    out << text;
    out.close();
    if (!out || std::rename(fresh.c_str(), file.c_str()) != 0)
      throw EnvironmentError(fmt::format("cannot write {}: {}", printable(file), std::strerror(errno)));
  };
  write(json_, document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!csv_.empty()) write(csv_, to_csv(document));
  if (!markdown_.empty()) write(markdown_, to_markdown(document));
  if (!report_.empty()) write(report_, to_html(document));
  if (shown) return;
  winsize size{};
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  const int width = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
  const char* locale = std::setlocale(LC_CTYPE, "");
  const bool unicode = locale && std::strstr(locale, "UTF-8");
  say(stdout, to_terminal(document, width, unicode));
}

std::vector<std::string> typed_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  if (!words.empty()) words.front() = "tessera";
  return words;
}

int watched(const std::function<int(const SignalWatch&)>& body) {
  try {
    const SignalWatch signals(1);
    return body(signals);
  } catch (const Interrupted& e) {
    say(stderr, fmt::format("tessera: interrupted ({})\n", signal_name(e.signal)));
    return kSignalled + e.signal;
  } catch (const Mismatch& e) {
    say(stderr, fmt::format("tessera: {}\n", e.what()));
    return kMismatch;
  } catch (const NothingMatched&) {
    say(stderr, "tessera: no input matched\n");
    return kNothingMatched;
  }
}

}  // namespace tessera::pipeline
