#include "pipeline/commands/options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "pipeline/console.h"
#include "pipeline/cpu_count.h"
#include "pipeline/failure.h"
#include "pipeline/size_text.h"
#include "pipeline/stage_text.h"
#include "pipeline/worker_choice.h"
#include "workers/sandbox_support.h"

namespace tessera::pipeline {

namespace {
// All of a list that can be read once, in memory that can be opened by name.
workers::Fd spool_list(const std::string& list) {
  workers::Fd opened;
  if (list != "-") opened = workers::checked_fd(open(list.c_str(), O_RDONLY | O_CLOEXEC), list.c_str());
  const int from = list == "-" ? STDIN_FILENO : opened.get();
  workers::Fd kept = workers::checked_fd(memfd_create("list", MFD_CLOEXEC), "memfd_create");
  std::array<char, 65536> buffer;
  for (ssize_t n; (n = read(from, buffer.data(), buffer.size())) != 0;) {
    if (n < 0 && errno != EINTR) workers::throw_errno(list.c_str());
    if (n > 0 && write(kept.get(), buffer.data(), static_cast<std::size_t>(n)) != n) workers::throw_errno("write");
  }
  return kept;
}

std::string flag_again(const char* flag, const std::string& value) {
  return fmt::format(" {} {}", flag, shell_word(value));
}
}  // namespace

void RecipeFlags::add_to(CLI::App& app) {
  app_ = &app;
  app.option_defaults()->group("Recipe");
  app.add_option("--recipe", recipe_, "Recipe file (TOML); flags below are applied over it")->type_name("FILE");
  stage_option_ =
      app.add_option("-s,--stage", stages_, "Append a stage, for example 'sharpen amount=0.5'; repeatable, in order")
          ->type_name("STAGE")
          ->take_all()
          ->allow_extra_args(false);
  const auto shortcut = [&](const char* flag, const char* stage, const char* type, const char* help) {
    shortcut_values_.push_back(std::make_unique<std::vector<std::string>>());
    CLI::Option* option =
        app.add_option(flag, *shortcut_values_.back(), help)->type_name(type)->take_all()->allow_extra_args(false);
    shortcuts_.emplace_back(option, stage);
  };
  shortcut("--resize", "resize", "SIZE", "Same as -s 'resize SIZE': 1600x1600>, 50%, 800x600^, ...");
  shortcut("--crop", "crop", "GEOMETRY", "Same as -s 'crop WxH+X+Y'");
  shortcut("--rotate", "rotate", "DEGREES", "Same as -s 'rotate DEGREES'");
  shortcut("--sharpen", "sharpen", "AMOUNT", "Same as -s 'sharpen AMOUNT'");
  app.add_option("-f,--format", format_, "Output format; default: by the template's extension, else the input's")
      ->type_name("NAME");
  app.add_option("-Q,--quality", quality_, "Encoder quality, for formats that have one")->type_name("1..100");
  app.add_option("--set", settings_, "Any other encoder setting: NAME=VALUE; repeatable")
      ->type_name("NAME=VALUE")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--template", name_template_,
                 "Output names: {reldir} {dir} {name} {ext} {n:06} {w} {h} {hash8} {format}");
  app.add_option("--background", background_, "Colour behind transparent pixels where the format has no alpha");
  app.add_option("--keep", keep_, "Metadata to keep: all, none, or some of exif,icc,iptc,xmp");
  app.add_option("--strip", strip_, "Metadata to drop: all, none, or some of exif,icc,iptc,xmp");
  app.add_option("--fail-on", fail_on_, "What makes a damaged file fail: none, truncated (default), warning");
  app.add_flag("--full-decode", full_decode_, "Never let the decoder shrink the image, even where a resize follows");
}

RecipeFile RecipeFlags::load(const std::string& recipe_path) const {
  if (!recipe_.empty() && !recipe_path.empty())
    throw UsageError(fmt::format("two recipes: --recipe {} and {}", recipe_, recipe_path));
  const std::string& path = recipe_.empty() ? recipe_path : recipe_;
  RecipeFile file = path.empty() ? default_recipe() : load_recipe(path);
  CommandLineOverrides overrides;
  std::map<const CLI::Option*, std::size_t> seen;
  for (const CLI::Option* option : app_->parse_order()) {
    if (option == stage_option_) {
      const std::string& text = stages_.at(seen[option]++);
      const std::string where = fmt::format("-s '{}'", text);
      StageText stage;
      try {
        stage = parse_stage_text(text);
      } catch (const UsageError& e) {
        throw UsageError(fmt::format("{}: {}", where, e.what()));
      }
      overrides.stages.push_back(make_stage_spec(stage.op, stage.pairs, where));
      continue;
    }
    const auto shortcut =
        std::ranges::find(shortcuts_, option, [](const auto& s) { return static_cast<const CLI::Option*>(s.first); });
    if (shortcut == shortcuts_.end()) continue;
    const auto index = static_cast<std::size_t>(shortcut - shortcuts_.begin());
    const std::string& value = shortcut_values_[index]->at(seen[option]++);
    const std::array<stages::Values::Pair, 1> pair{{{"", value}}};
    overrides.stages.push_back(
        make_stage_spec(shortcut->second, pair, fmt::format("--{} {}", shortcut->second, value)));
  }
  if (quality_) overrides.options.emplace_back("quality", fmt::format("{}", *quality_));
  for (const std::string& setting : settings_) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(fmt::format("--set {}: write NAME=VALUE", setting));
    overrides.options.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  const auto given = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
  overrides.format = given(format_);
  overrides.name_template = given(name_template_);
  overrides.background = given(background_);
  overrides.keep = given(keep_);
  overrides.strip = given(strip_);
  overrides.fail_on = given(fail_on_);
  if (full_decode_) overrides.full_decode = true;
  apply(overrides, file);
  return file;
}

std::vector<std::string> RecipeFlags::words() const {
  std::vector<std::string> words;
  std::map<const CLI::Option*, std::size_t> seen;
  for (const CLI::Option* option : app_->parse_order()) {
    if (option->get_group() != "Recipe") continue;
    words.push_back("--" + option->get_lnames().front());
    if (option->get_items_expected_max() > 0) words.push_back(option->results().at(seen[option]++));
  }
  return words;
}

void InputFlags::add_to(CLI::App& app, bool with_recipe) {
  with_recipe_ = with_recipe;
  app.option_defaults()->group("Inputs and outputs");
  app.add_option("inputs", paths_,
                 with_recipe ? "Files, folders, quoted patterns; the first may be a recipe (NAME.toml)"
                             : "Files, folders, quoted patterns")
      ->type_name("INPUT");
  app.add_flag("-r,--recursive", recursive_, "Enter folders inside folders");
  app.add_option("--files-from", lists_, "Read input names from a file, or - for standard input")
      ->type_name("FILE|-")
      ->allow_extra_args(false);
  app.add_flag("-0,--null", nul_, "Names in --files-from end with NUL (found out by itself in most cases)");
}

std::string InputFlags::recipe_path() const {
  return with_recipe_ && !paths_.empty() && paths_[0].ends_with(".toml") ? paths_[0] : "";
}
std::vector<InputSource> InputFlags::sources(bool spool) {
  std::vector<InputSource> sources;
  for (std::size_t i = recipe_path().empty() ? 0 : 1; i < paths_.size(); ++i)
    sources.push_back({InputSource::Kind::path, paths_[i]});
  for (const std::string& list : lists_) {
    struct stat s {};
    const bool once = list == "-" ? spool : stat(list.c_str(), &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode);
    if (once && !spooled_.contains(list)) spooled_.emplace(list, spool_list(list));
    const auto kept = spooled_.find(list);
    sources.push_back(
        {InputSource::Kind::list, kept == spooled_.end() ? list : fmt::format("/proc/self/fd/{}", kept->second.get())});
  }
  return sources;
}
InputOptions InputFlags::options(const std::string& skip_folder) const {
  return {recursive_, skip_folder, nul_ ? ListSeparator::nul : ListSeparator::detect};
}
std::vector<std::string> InputFlags::all_paths() {
  std::vector<std::string> paths;
  const auto inputs = make_input_set(sources(), options(""));
  while (const auto input = wait_for_next(*inputs)) paths.push_back(input->path);
  return paths;
}
bool InputFlags::reads_stdin() const { return std::ranges::find(lists_, "-") != lists_.end(); }

std::vector<std::string> InputFlags::words_with(const std::vector<std::string>& lists) const {
  std::vector<std::string> words;
  if (recursive_) words.emplace_back("-r");
  if (nul_) words.emplace_back("-0");
  for (const std::string& list : lists) words.insert(words.end(), {"--files-from", list});
  const auto names = paths_.begin() + (recipe_path().empty() ? 0 : 1);
  if (std::any_of(names, paths_.end(), [](const std::string& name) { return name.starts_with('-'); }))
    words.emplace_back("--");
  words.insert(words.end(), names, paths_.end());
  return words;
}

std::vector<std::string> InputFlags::words() const { return words_with(lists_); }

std::vector<std::string> InputFlags::words_for_others(const std::string& folder) {
  std::vector<std::string> lists;
  for (const InputSource& source : sources(true)) {
    if (source.kind != InputSource::Kind::list) continue;
    const bool spooled = source.text.starts_with("/proc/self/fd/");
    lists.push_back(spooled ? fmt::format("{}/list-{}", folder, lists.size()) : source.text);
    if (spooled) std::filesystem::copy_file(source.text, lists.back());
  }
  return words_with(lists);
}

void SandboxFlag::add_to(CLI::App& app) {
  app.add_option(
         "--sandbox", text_,
         "How workers are shut in. require: refuse to run without all of it; auto: what this kernel offers; off")
      ->check(CLI::IsMember({"require", "auto", "off"}));
}

workers::Sandbox SandboxFlag::value() const {
  return text_ == "require" ? workers::Sandbox::require
         : text_ == "off"   ? workers::Sandbox::off
                            : workers::Sandbox::automatic;
}

void SandboxFlag::announce() const {
  if (value() == workers::Sandbox::off)
    say(stderr, "tessera: --sandbox=off: workers can open files and make any system call\n");
  if (value() != workers::Sandbox::automatic) return;
  for (const std::string& sentence : workers::probe_sandbox().degraded())
    say(stderr, fmt::format("tessera: {}\n", sentence));
}

std::vector<std::string> SandboxFlag::words() const {
  return text_ == SandboxFlag().text_ ? std::vector<std::string>() : std::vector<std::string>{"--sandbox", text_};
}

void LimitFlags::add_to(CLI::App& app) {
  app.option_defaults()->group("Limits");
  app.add_option("--max-pixels", max_pixels_, "Refuse larger images from their header: 100M, 1G; 0: no limit")
      ->type_name("COUNT");
  app.add_option(
         "--timeout", timeout_,
         "Processor time of an image: 30s, 2m; four times that and 2 s by the clock; 0: none. Default (auto): 5 s "
         "and 1 s for each megapixel and stage, more for a slow one")
      ->type_name("TIME");
}

std::uint64_t LimitFlags::max_pixels() const { return parse_count(max_pixels_, "--max-pixels"); }

TimeLimit LimitFlags::time() const {
  if (timeout_ == "auto") return {};
  return {parse_duration(timeout_, "--timeout")};
}

std::vector<std::string> LimitFlags::words() const {
  const LimitFlags usual;
  std::vector<std::string> words;
  if (max_pixels_ != usual.max_pixels_) words.insert(words.end(), {"--max-pixels", max_pixels_});
  if (timeout_ != usual.timeout_) words.insert(words.end(), {"--timeout", timeout_});
  return words;
}

void WorkerFlags::add_to(CLI::App& app, bool with_memory) {
  app.option_defaults()->group("Workers");
  app.add_option("--mode", mode_, "serial, threads, processes, hybrid or auto (processes)")
      ->check(CLI::IsMember({"auto", "serial", "threads", "processes", "hybrid"}));
  app.add_option("-j,--jobs", jobs_, "Worker processes, or threads in thread mode; 0: as many as usable CPUs")
      ->check(CLI::Range(0, 1024));
  app.add_option("--threads", threads_, "Threads inside each worker; more than 1 is hybrid")->check(CLI::Range(0, 256));
  sandbox_.add_to(app);
  if (!with_memory) return;
  app.add_option("--memory", memory_, "Memory for pictures and codecs: 4G, 512M, 50%")->type_name("SIZE");
  app.add_option("--worker-memory", worker_memory_,
                 "The part of --memory that one worker may have for itself (codecs, scratch): no image gets more. "
                 "Default: --memory / workers, and all of --memory for an image that needs it")
      ->type_name("SIZE");
}

workers::ExecutorOptions WorkerFlags::executor() const {
  workers::ExecutorOptions chosen = choose_workers(mode_, jobs_, threads_);
  if (chosen.mode == workers::ExecutorOptions::Mode::processes) chosen.sandbox = sandbox_.value();
  return chosen;
}

std::uint64_t WorkerFlags::memory() const {
  const std::uint64_t bytes = parse_size(memory_, "--memory", usable_memory());
  if (bytes < (64u << 20)) throw UsageError(fmt::format("--memory {}: at least 64M", memory_));
  return bytes;
}

void WorkerFlags::announce_sandbox() const {
  if (executor().mode == workers::ExecutorOptions::Mode::processes) sandbox_.announce();
}

std::uint64_t WorkerFlags::worker_memory() const {
  if (worker_memory_.empty()) return 0;
  const std::uint64_t all = memory();
  const std::uint64_t bytes = parse_size(worker_memory_, "--worker-memory", all);
  if (bytes < (16u << 20)) throw UsageError(fmt::format("--worker-memory {}: at least 16M", worker_memory_));
  if (bytes > all)
    throw UsageError(
        fmt::format("--worker-memory {} is a part of --memory, which is {}", worker_memory_, format_bytes(all)));
  return bytes;
}

std::string WorkerFlags::again() const {
  const WorkerFlags usual;
  // Thread mode takes its threads from -j or --threads, not from both.
  std::string flags = mode_ == "threads" && threads_ > 0 ? "" : " -j 1";
  if (mode_ != usual.mode_) flags += flag_again("--mode", mode_);
  if (threads_ != usual.threads_) flags += flag_again("--threads", fmt::format("{}", threads_));
  if (memory_ != usual.memory_) flags += flag_again("--memory", memory_);
  if (worker_memory_ != usual.worker_memory_) flags += flag_again("--worker-memory", worker_memory_);
  return flags.substr(flags.find_first_not_of(' '));
}

std::string WorkerFlags::describe() const {
  using Mode = workers::ExecutorOptions::Mode;
  const workers::ExecutorOptions e = executor();
  if (e.mode == Mode::serial) return "serial";
  if (e.mode == Mode::threads) return fmt::format("threads, {} in one process, no isolation", e.threads);
  if (e.threads > 1) return fmt::format("hybrid, {} workers of {} threads", e.workers, e.threads);
  return fmt::format("processes, {} worker{}", e.workers, e.workers == 1 ? "" : "s");
}

}  // namespace tessera::pipeline
