#include "pipeline/compare/cost_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <vector>

#include "pipeline/compare/figures.h"
#include "workers/mapping.h"

namespace tessera::pipeline {
namespace {

constexpr double kPhoto_s = 0.1;  // what sentences take a photo for, and say so
constexpr double kMiB = 1 << 20;
constexpr double kFrame = 24e6;

struct Figure {
  double median = 0, low = 0, high = 0;
};
using Curve = std::map<double, Figure>;  // by x

Figure figure_of(const Json& holder) {
  const Json& seconds = holder.at("seconds");
  return {seconds.at("median").get<double>(), seconds.at("low").get<double>(), seconds.at("high").get<double>()};
}

/// Of a group, by id. Who asks for one figure gets its median.
class Figures {
 public:
  explicit Figures(const Json& group) {
    for (const Json& row : group.value("rows", Json::array()))
      rows_[row.at("id").get<std::string>()] = figure_of(row).median;
    for (const Json& curve : group.value("curves", Json::array())) {
      names_[curve.at("id").get<std::string>()] = curve.at("name").get<std::string>();
      for (const Json& point : curve.at("points"))
        curves_[curve.at("id").get<std::string>()][point.at("x").get<double>()] = figure_of(point);
    }
  }
  bool empty() const { return rows_.empty() && curves_.empty(); }
  const std::map<std::string, double>& rows() const { return rows_; }
  const std::map<std::string, Curve>& curves() const { return curves_; }
  const std::string& name(const std::string& curve) const { return names_.at(curve); }

  std::optional<double> row(const std::string& id) const {
    const auto found = rows_.find(id);
    return found == rows_.end() ? std::nullopt : std::optional<double>(found->second);
  }
  const Curve& curve(const std::string& id) const {
    static const Curve kNone;
    const auto found = curves_.find(id);
    return found == curves_.end() ? kNone : found->second;
  }
  std::optional<double> at(const std::string& id, double x) const {
    const auto found = curve(id).find(x);
    return found == curve(id).end() ? std::nullopt : std::optional<double>(found->second.median);
  }

 private:
  std::map<std::string, double> rows_;
  std::map<std::string, Curve> curves_;
  std::map<std::string, std::string> names_;
};

std::string times(double ratio) { return ratio_text(ratio) + " times"; }

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : " ") + sentence;
  return text;
}

std::string explain_create(const Figures& of) {
  std::vector<std::string> text;
  const double thread = of.row("thread").value(), fork = of.row("fork").value();
  text.push_back(
      fmt::format("From a small process, a thread is created and joined in {}, a process is forked and has ended in "
                  "{}: {} that.",
                  seconds_text(thread), seconds_text(fork), times(fork / thread)));
  if (const auto task = of.row("task"))
    text.push_back(fmt::format("A task for a thread that runs already takes {}, so whoever has threads keeps them.",
                               seconds_text(*task)));
  if (const auto spawn = of.row("spawn"))
    text.push_back(fmt::format("Starting even a tiny program (posix_spawn, exec) takes {}.", seconds_text(*spawn)));
  const Curve& forks = of.curve("fork");
  if (forks.size() > 1) {
    const double small = forks.begin()->first, small_s = forks.begin()->second.median;
    const double large = forks.rbegin()->first, large_s = forks.rbegin()->second.median;
    text.push_back(
        fmt::format("What makes a fork dear is private memory of the parent, whose page tables are copied: {} for each "
                    "MiB, {} from a parent with {}.",
                    seconds_text(std::max(large_s - small_s, 0.0) / ((large - small) / kMiB)), seconds_text(large_s),
                    bytes_text(large)));
    if (const auto spawn = of.at("spawn", large))
      text.push_back(fmt::format("posix_spawn, which copies none, takes {} there.", seconds_text(*spawn)));
  }
  if (const auto shared = of.row("fork-shared"))
    text.push_back(fmt::format("Shared memory is not copied either: with it the fork of the small process takes {}.",
                               seconds_text(*shared)));
  text.push_back(
      fmt::format("For a pipeline: beside a photo that takes {} a fork of a small process is {}, paid once for a "
                  "worker that does many. Fork early, keep pictures in shared memory, and use workers again.",
                  seconds_text(kPhoto_s), percent_text(fork / kPhoto_s)));
  return joined(text);
}

/// The frame that sentences speak of: 24 MB, or the largest below it.
double frame_size(const Figures& of) {
  double size = of.curve("handle").begin()->first;
  for (const auto& [x, figure] : of.curve("handle"))
    if (x <= kFrame) size = std::max(size, x);
  return size;
}

/// From which size on no other way between processes is quicker than the handle: by the intervals, not by chance.
std::string handle_wins(const Figures& of) {
  const Curve& handle = of.curve("handle");
  std::optional<double> from;
  for (auto point = handle.rbegin(); point != handle.rend(); ++point) {
    const auto& [size, by_handle] = *point;
    for (const auto& [id, curve] : of.curves()) {
      const auto other = curve.find(size);
      if (id == "handle" || id == "thread" || other == curve.end() || other->second.high >= by_handle.low) continue;
      const std::string quicker =
          fmt::format("for {} {} takes {} and the handle {}", binary_size_text(size), of.name(id),
                      seconds_text(other->second.median), seconds_text(by_handle.median));
      return from ? fmt::format("From {} on no way between processes is quicker than the handle; {}.",
                                binary_size_text(*from), quicker)
                  : fmt::format("The handle is not the quickest way everywhere: {}.", quicker);
    }
    from = size;
  }
  return "No way between processes is quicker than the handle, whatever the size.";
}

std::string explain_handover(const Figures& of) {
  const double size = frame_size(of);
  const double handle = of.at("handle", size).value(), pipe = of.at("pipe", size).value();
  std::vector<std::string> text;
  text.push_back(
      fmt::format("A frame of {} is in the hands of another process after {} by handle and after {} through a pipe, {} "
                  "that.",
                  binary_size_text(size), seconds_text(handle), seconds_text(pipe), times(pipe / handle)));
  std::vector<std::string> others;
  for (const char* id : {"large-pipe", "socket", "file", "remote-read", "window-copy"})
    if (const auto seconds = of.at(id, size))
      others.push_back(fmt::format("{} {}", of.name(id), seconds_text(*seconds)));
  text.push_back(fmt::format("The others copy, too, once or twice: {}.", list_text(others)));
  const double least = of.curve("handle").begin()->first, least_s = of.curve("handle").begin()->second.median;
  text.push_back(
      fmt::format("A handle moves no byte of the frame: {} for {} is what the message takes, and what {} take more is "
                  "the taker's look at every page.",
                  seconds_text(least_s), binary_size_text(least), binary_size_text(size)));
  if (const auto thread = of.at("thread", size))
    text.push_back(fmt::format("Threads hand over a pointer in {}: with shared memory processes come to {} that.",
                               seconds_text(*thread), times(handle / *thread)));
  if (const auto anew = of.at("new-mapping", size))
    text.push_back(
        fmt::format("But memory that is mapped anew for each frame costs {} of page faults: map once and keep it.",
                    seconds_text(*anew)));
  text.push_back(handle_wins(of));
  text.push_back(
      fmt::format("For a pipeline: beside a photo that takes {} the pipe adds {} for each frame that changes hands, "
                  "the handle {}.",
                  seconds_text(kPhoto_s), percent_text(pipe / kPhoto_s), percent_text(handle / kPhoto_s)));
  return joined(text);
}

/// "2 us (eventfd) to 3.7 us (seqpacket)", of the rows at one place.
std::string range_of(const Figures& of, const std::string& place) {
  std::optional<std::pair<std::string, double>> low, high;
  for (const auto& [id, seconds] : of.rows()) {
    if (!id.ends_with(place)) continue;
    const std::string kind = id.substr(0, id.size() - place.size());
    if (!low || seconds < low->second) low = {kind, seconds};
    if (!high || seconds > high->second) high = {kind, seconds};
  }
  return fmt::format("{} ({}) to {} ({})", seconds_text(low->second), low->first, seconds_text(high->second),
                     high->first);
}

std::string explain_wakeup(const Figures& of) {
  const auto near = of.row("seqpacket-one-cpu"), far = of.row("seqpacket-two-cpus");
  std::vector<std::string> text;
  if (far) text.push_back(fmt::format("Who sleeps on another CPU runs after {}.", range_of(of, "-two-cpus")));
  text.push_back(fmt::format("On one CPU it takes {}.", range_of(of, "-one-cpu")));
  if (far)
    text.push_back(
        fmt::format("So it matters little what wakes, and much whom: an idle CPU has to be woken, too, which is {} the "
                    "price of the switch on one.",
                    times(*far / *near)));
  const double round_trip = 2 * far.value_or(*near);
  text.push_back(
      fmt::format("For a pipeline: a job and its answer over a seqpacket socket are a round trip of {}. A job of {} is "
                  "half messages; from {} of work on they are below 1 %, and beside a photo of {} they are {}. So send "
                  "whole pictures or large bands, not rows.",
                  seconds_text(round_trip), seconds_text(round_trip), seconds_text(99 * round_trip),
                  seconds_text(kPhoto_s), percent_text(round_trip / kPhoto_s)));
  return joined(text);
}

std::string explain_sharing(const Figures& of) {
  const double most = of.curve("own-lines").rbegin()->first;
  const auto of_one = [&](const std::string& id) { return of.at(id, most).value() / of.at(id, 1).value(); };
  const auto clause = [&](const std::string& id) {
    return fmt::format("{} ({} as long as one thread alone)", seconds_text(of.at(id, most).value()), times(of_one(id)));
  };
  const std::string threads = counted(static_cast<std::size_t>(most), "thread");
  std::vector<std::string> text;
  text.push_back(
      fmt::format("When {} count at the same time, an increment of a counter of one's own takes each of them {}.",
                  threads, clause("own-lines")));
  text.push_back(
      fmt::format("One counter for all takes {}, and the same counters side by side on one cache line {}, though no "
                  "thread ever looks at another's: the line itself travels (false sharing).",
                  clause("atomic"), clause("one-line")));
  text.push_back(fmt::format("Behind a mutex it is {}.", clause("mutex")));
  text.push_back(fmt::format(
      "For a pipeline: threads share everything, and pay for it where they write to the same place. Once "
      "for a picture that is nothing; for each pixel it would be: {} for 24 million pixels behind the "
      "mutex, {} for counters of their own, added up in the end. So each worker writes to memory of its "
      "own.",
      seconds_text(24e6 * of.at("mutex", most).value()), seconds_text(24e6 * of.at("own-lines", most).value())));
  return joined(text);
}

std::string explain_pages(const Figures& of) {
  const double pages = kFrame / static_cast<double>(workers::page_bytes());
  const auto figure = [&](const char* id) { return of.row(id).value(); };
  const auto frame = [&](const char* id) { return seconds_text(figure(id) * pages); };
  std::vector<std::string> text;
  text.push_back(
      fmt::format("Fork promises memory and copies none: the first write to a page afterwards does, in {}, where a "
                  "page of one's own takes {}.",
                  seconds_text(figure("copy")), seconds_text(figure("own"))));
  text.push_back(fmt::format("For a frame of {} ({} pages) that is {}.", bytes_text(kFrame),
                             count_text(std::ceil(pages)), frame("copy")));
  text.push_back(fmt::format("The parent pays as well: {} for a page that no child holds any more.",
                             seconds_text(figure("taken-back"))));
  text.push_back(
      fmt::format("Fresh memory is not free either, each page is cleared when it is first touched: {} for such a "
                  "frame, {} in shared memory, {} to map anew what is there.",
                  frame("fresh"), frame("shared-fresh"), frame("shared-mapped")));
  text.push_back(
      fmt::format("For a pipeline: a new frame for each picture costs {} before the first pixel is computed. Use "
                  "frames again, keep them mapped, and fork before there are any.",
                  frame("fresh")));
  return joined(text);
}

}  // namespace

std::string cost_explanation(const Json& group) {
  const Figures figures(group);
  if (figures.empty()) return "Nothing of this could be measured here; the notes say why.";
  const std::string id = group.at("id").get<std::string>();
  if (id == "create") return explain_create(figures);
  if (id == "handover") return explain_handover(figures);
  if (id == "wakeup") return explain_wakeup(figures);
  if (id == "sharing") return explain_sharing(figures);
  return explain_pages(figures);
}

}  // namespace tessera::pipeline
