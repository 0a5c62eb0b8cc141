#include "pipeline/commands/compare_flags.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

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
  std::set<fs::path> seen;
  for (const std::string* file : {&report_, &json_, &csv_, &markdown_}) {
    if (file->empty()) continue;
    if (!seen.insert(*file == "-" ? fs::path("-") : fs::weakly_canonical(*file)).second)
      throw UsageError(fmt::format("two results cannot go to {}", *file == "-" ? "standard output" : printable(*file)));
    if (*file == "-") continue;
    const bool there = fs::exists(*file);
    if (there && fs::is_directory(*file)) throw UsageError(fmt::format("{} is a folder", printable(*file)));
    const std::string target = there ? *file : fs::absolute(*file).parent_path().string();
    if (access(target.c_str(), W_OK) != 0)
      throw UsageError(fmt::format("{} cannot be written: {}", printable(*file), std::strerror(errno)));
  }
}

namespace {

// A device or a pipe is written to; a file is absent, old or complete. False: errno says why not.
bool write_result(const std::string& file, const std::string& text) {
  const fs::path target = fs::weakly_canonical(file);
  const bool special = fs::exists(file) && !fs::is_regular_file(file);
  std::string fresh = target.string() + ".XXXXXX";
  const workers::Fd fd(special ? open(file.c_str(), O_WRONLY | O_CLOEXEC) : mkostemp(fresh.data(), O_CLOEXEC));
  if (!fd) return false;
  bool well = special || fchmod(fd.get(), 0644) == 0;
  for (std::size_t at = 0; well && at < text.size();) {
    const ssize_t n = write(fd.get(), text.data() + at, text.size() - at);
    if (n > 0) at += static_cast<std::size_t>(n);
    well = n > 0 || errno == EINTR;
  }
  if (special) return well;
  well = well && std::rename(fresh.c_str(), target.c_str()) == 0;
  if (const int error = errno; !well) unlink(fresh.c_str()), errno = error;
  return well;
}

}  // namespace

void ShowFlags::deliver(const Json& document) const {
  bool shown = false;
  std::string trouble;
  const auto write = [&](const std::string& file, const auto& make) {
    if (file == "-") {
      shown = true;
      say(stdout, make(document));
    } else if (!file.empty() && !write_result(file, make(document))) {
      trouble +=
          fmt::format("{}cannot write {}: {}", trouble.empty() ? "" : "; ", printable(file), std::strerror(errno));
    }
  };
  write(json_, [](const Json& of) { return of.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; });
  write(csv_, to_csv);
  write(markdown_, to_markdown);
  write(report_, to_html);
  if (!shown) show_on_terminal(document);
  if (!trouble.empty()) throw EnvironmentError(trouble);
}

void ShowFlags::show_on_terminal(const Json& document) {
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
