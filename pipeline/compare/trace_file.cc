#include "pipeline/compare/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

constexpr double kMicro = 1e-6;

double as_microsecond(double seconds) { return std::round(seconds * 1e6) / 1e6; }

bool opens(const TracedJob& job) { return job.first_read && job.outcome != "declined"; }

class Reader {
 public:
  // Throws Json::exception for what no trace says.
  void event(const Json& e) {
    const std::string& phase = e.at("ph").get_ref<const std::string&>();
    const std::string& name = e.at("name").get_ref<const std::string&>();
    if (phase == "M" && name == "thread_name")
      trace_.slots.emplace(e.at("pid").get<std::uint32_t>(), e.at("tid").get<std::uint32_t>());
    else if (phase == "X")
      answered(e, name);
    else if (name == "start")
      started(e);
    else if (name == "closed")
      closed(e);
    else if (name == "run")
      ended(e.at("args"));
  }

  RunTrace finish() {
    for (auto& [id, job] : open_) trace_.open.push_back(std::move(job));
    std::ranges::sort(trace_.jobs, {}, &TracedJob::begin_s);
    std::ranges::sort(trace_.open, {}, &TracedJob::begin_s);
    std::ranges::sort(trace_.done_s);
    trace_.opened = static_cast<std::uint64_t>(std::ranges::count_if(trace_.jobs, opens) +
                                               std::ranges::count_if(trace_.open, opens));
    return std::move(trace_);
  }

 private:
  static TracedJob job_of(const Json& e, const std::string& kind) {
    const Json& args = e.at("args");
    TracedJob job;
    job.worker = e.at("pid").get<std::uint32_t>();
    job.slot = e.at("tid").get<std::uint32_t>();
    job.begin_s = e.at("ts").get<double>() * kMicro;
    job.kind = kind;
    job.image = args.at("image").get<std::uint64_t>();
    job.job = args.at("job").get<std::uint64_t>();
    job.attempt = args.at("attempt").get<std::uint32_t>();
    return job;
  }
  void started(const Json& e) {
    const Json& args = e.at("args");
    TracedJob job = job_of(e, args.at("kind").get<std::string>());
    job.first_read = args.contains("source");
    if (job.first_read) trace_.sources[job.image] = args.at("source").get<std::string>();
    const std::uint64_t id = job.job;
    open_.insert_or_assign(id, std::move(job));
  }
  void answered(const Json& e, const std::string& kind) {
    const Json& args = e.at("args");
    TracedJob job = job_of(e, kind);
    job.end_s = job.begin_s + e.at("dur").get<double>() * kMicro;
    job.outcome = args.at("outcome").get<std::string>();
    job.cpu_s = args.at("cpu_us").get<double>() * kMicro;
    if (args.contains("phases_us"))
      for (const auto& [phase, us] : args.at("phases_us").items()) job.phases_s[phase] = us.get<double>() * kMicro;
    const auto start = open_.find(job.job);
    job.first_read = start != open_.end() && start->second.first_read;
    if (start != open_.end()) open_.erase(start);
    trace_.jobs.push_back(std::move(job));
  }
  void closed(const Json& e) {
    const Json& args = e.at("args");
    if (args.at("status") != "done") return;
    trace_.done_s.push_back(e.at("ts").get<double>() * kMicro);
    trace_.megapixels += args.value("megapixels", 0.0);
  }
  void ended(const Json& args) {
    trace_.messages = args.at("messages").get<std::uint64_t>();
    trace_.channel_bytes = args.at("channel_bytes").get<std::uint64_t>();
    trace_.forks = args.at("forks").get<std::uint64_t>();
    trace_.deaths = args.at("deaths").get<std::uint64_t>();
    trace_.ended = true;
  }

  RunTrace trace_;
  std::map<std::uint64_t, TracedJob> open_;
};

}  // namespace

RunTrace read_trace(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(fmt::format("cannot read the trace {}: {}", printable(path), std::strerror(errno)));
  Reader reader;
  std::uint64_t number = 0, events = 0, bad = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line == "[" || line == "]") continue;
    if (line.back() == ',') line.pop_back();
    if (bad > 0) throw std::runtime_error(fmt::format("{}:{}: that is no event of a trace", printable(path), bad));
    try {
      reader.event(Json::parse(line));
      ++events;
    } catch (const Json::exception&) {
      bad = number;  // the last line may be cut: the run was killed, or the disk was full
    }
  }
  if (events == 0) throw std::runtime_error(fmt::format("{} is no trace of a run", printable(path)));
  return reader.finish();
}

RunTrace side_by_side(std::vector<RunTrace> runs) {
  RunTrace all;
  all.ended = true;
  std::uint32_t workers = 0;
  std::uint64_t images = 0, jobs = 0;
  for (RunTrace& run : runs) {
    std::uint32_t most_workers = 0;
    std::uint64_t most_images = 0, most_jobs = 0;
    const auto take = [&](std::vector<TracedJob>& from, std::vector<TracedJob>& into) {
      for (TracedJob& job : from) {
        most_workers = std::max(most_workers, job.worker);
        most_images = std::max(most_images, job.image + 1);
        most_jobs = std::max(most_jobs, job.job);
        job.worker += workers;
        job.image += images;
        job.job += jobs;
        into.push_back(std::move(job));
      }
    };
    take(run.jobs, all.jobs);
    take(run.open, all.open);
    for (const auto& [worker, slot] : run.slots) {
      most_workers = std::max(most_workers, worker);
      all.slots.emplace(worker + workers, slot);
    }
    for (auto& [image, source] : run.sources) all.sources[image + images] = std::move(source);
    all.done_s.insert(all.done_s.end(), run.done_s.begin(), run.done_s.end());
    all.opened += run.opened;
    all.messages += run.messages;
    all.channel_bytes += run.channel_bytes;
    all.forks += run.forks;
    all.deaths += run.deaths;
    all.megapixels += run.megapixels;
    all.ended = all.ended && run.ended;
    workers += most_workers;
    images += most_images;
    jobs += most_jobs;
  }
  std::ranges::sort(all.jobs, {}, &TracedJob::begin_s);
  std::ranges::sort(all.open, {}, &TracedJob::begin_s);
  std::ranges::sort(all.done_s);
  return all;
}

SlotUse slot_use(const RunTrace& trace, std::uint32_t slots) {
  struct Slot {
    double busy_s = 0, last_end_s = 0;
  };
  std::map<std::pair<std::uint32_t, std::uint32_t>, Slot> used;
  SlotUse use;
  if (trace.jobs.empty()) return use;
  const double begin = trace.jobs.front().begin_s;
  double end = begin, busy = 0, busiest = 0;
  for (const TracedJob& job : trace.jobs) {
    Slot& slot = used[{job.worker, job.slot}];
    slot.busy_s += job.end_s - job.begin_s;
    slot.last_end_s = std::max(slot.last_end_s, job.end_s);
    end = std::max(end, job.end_s);
  }
  double first_out = used.size() < slots ? begin : end;
  for (const auto& [key, slot] : used) {
    busy += slot.busy_s;
    busiest = std::max(busiest, slot.busy_s);
    first_out = std::min(first_out, slot.last_end_s);
  }
  const double count = static_cast<double>(std::max<std::size_t>(slots, used.size()));
  use.span_s = end - begin;
  use.utilisation = use.span_s > 0 ? busy / (count * use.span_s) : 0;
  use.imbalance = busy > 0 ? busiest * count / busy - 1 : 0;
  use.tail_s = end - first_out;
  return use;
}

Json timeline_json(const RunTrace& trace, std::chrono::steady_clock::time_point launched) {
  const double zero = std::chrono::duration<double>(launched.time_since_epoch()).count();
  std::map<std::pair<std::uint32_t, std::uint32_t>, Json> jobs;
  for (const auto& slot : trace.slots) jobs[slot] = Json::array();
  double span = 0;
  for (const TracedJob& job : trace.jobs) {
    Json entry{{"begin_s", as_microsecond(job.begin_s - zero)},
               {"end_s", as_microsecond(job.end_s - zero)},
               {"kind", job.kind},
               {"outcome", job.outcome}};
    const auto source = trace.sources.find(job.image);
    if (source != trace.sources.end()) entry["source"] = source->second;
    Json& row = jobs.try_emplace({job.worker, job.slot}, Json::array()).first->second;
    row.push_back(std::move(entry));
    span = std::max(span, job.end_s - zero);
  }
  Json slots = Json::array();
  for (auto& [slot, list] : jobs)
    slots.push_back({{"worker", slot.first}, {"slot", slot.second}, {"jobs", std::move(list)}});
  return {{"span_s", as_microsecond(span)}, {"slots", std::move(slots)}};
}

}  // namespace tessera::pipeline
