#include "pipeline/compare/terminal.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/compare/figures.h"
#include "pipeline/compare/text_layout.h"
#include "pipeline/printable.h"

namespace tessera::pipeline {
namespace {

class Screen {
 public:
  explicit Screen(Layout layout) : layout_(layout) {}

  void title(const std::string& text) {
    if (!text_.empty()) text_ += '\n';
    paragraph(text);
    text_ += std::string(std::min(text_width(text), static_cast<std::size_t>(layout_.width)), '=') + "\n";
  }
  void blank() { text_ += '\n'; }
  void paragraph(const std::string& text, std::size_t indent = 0) {
    text_ += wrapped(printable(text), layout_, indent);
  }
  void command(const std::string& text) { text_ += wrapped_command(printable(text), layout_); }
  void table(TextTable table, const std::string& caption = "") {
    if (table.rows.empty()) return;
    if (!caption.empty()) {
      if (!text_.ends_with("=\n")) blank();
      paragraph(caption);
    }
    for (auto& row : table.rows)
      for (std::string& cell : row) cell = printable(cell);
    for (std::string& cell : table.head) cell = printable(cell);
    text_ += laid_out(table, layout_);
  }
  void graph(const std::string& name, const std::vector<double>& values) {
    constexpr std::size_t kName = 12;
    const std::size_t cells = static_cast<std::size_t>(layout_.width) - kName - 4;
    text_ += fmt::format("  {:<{}}|{}|\n", name, kName - 1, sparkline(values, cells, layout_.unicode));
  }
  std::string take() { return std::move(text_); }

 private:
  Layout layout_;
  std::string text_;
};

void show_head(Screen& screen, const Json& document) {
  const std::string set = set_text(document);
  screen.title(set.empty() ? "Comparison" : "Comparison: " + set);
  screen.paragraph(machine_text(document));
  screen.command(document.at("command"));
  screen.paragraph(fmt::format("Seed {}.", document.at("seed").dump()));
  for (const std::string note : document.at("notes")) screen.paragraph("* " + note, 2);
}

void show_runs(Screen& screen, const Json& runs) {
  screen.title("Time");
  screen.paragraph(method_text(runs));
  screen.table(time_table(runs));
  screen.table(memory_table(runs), "Memory of all processes together, at its highest");
  screen.table(work_table(runs), "Processor time and how well the slots were used");
  screen.table(kernel_table(runs), "What the kernel counted, and what went over channels");
  screen.table(phases_table(runs), "Time of all jobs by phase, added up");
  screen.table(scaling_table(runs), "Scaling");
}

void show_costs(Screen& screen, const Json& costs) {
  if (costs.at("quick") == true) {
    screen.blank();
    screen.paragraph("Costs were measured quickly (--quick): fewer samples, wider intervals.");
  }
  for (const Json& group : costs.at("groups")) {
    screen.title("Costs: " + group.at("title").get<std::string>());
    screen.table(cost_table(group));
    screen.table(curve_table(group),
                 group.contains("curves") ? fmt::format("Time for each {}", group.value("per", "operation")) : "");
    screen.blank();
    screen.paragraph(group.at("explanation"));
  }
}

void show_faults(Screen& screen, const Json& faults) {
  screen.title("Faults");
  screen.paragraph(fmt::format("{} of {} is struck at every attempt.", faults.at("picture").get<std::string>(),
                               counted(faults.at("images").get<std::size_t>(), "picture")));
  screen.table(faults_table(faults));
  screen.blank();
  screen.paragraph(faults.at("explanation"));
}

void show_balance(Screen& screen, const Json& balance) {
  screen.title("Balance");
  screen.table(balance_table(balance));
  for (const Json& way : balance.at("ways")) {
    if (!way.contains("busy")) continue;
    screen.blank();
    screen.paragraph(fmt::format("{}: how busy each worker was over {}", way.at("name").get<std::string>(),
                                 seconds_text(way.at("timeline").at("span_s"))));
    for (const Json& worker : way.at("busy"))
      screen.graph(fmt::format("worker {}", worker.at("worker").get<int>()), worker.at("utilisation"));
  }
  screen.blank();
  screen.paragraph(balance.at("explanation"));
}

void show_verdict(Screen& screen, const Json& runs) {
  screen.title("Verdict");
  for (const std::string sentence : runs.at("verdict")) screen.paragraph("* " + sentence, 2);
  screen.title("Recommendation");
  const Json& recommendation = runs.at("recommendation");
  screen.command(recommendation.at("command"));
  screen.blank();
  screen.paragraph(recommendation.at("why"));
}

}  // namespace

std::string to_terminal(const Json& document, int width, bool unicode) {
  Screen screen({std::max(width, 40), unicode});
  show_head(screen, document);
  if (document.contains("runs")) show_runs(screen, document.at("runs"));
  if (document.contains("costs")) show_costs(screen, document.at("costs"));
  if (document.contains("faults")) show_faults(screen, document.at("faults"));
  if (document.contains("balance")) show_balance(screen, document.at("balance"));
  if (document.contains("runs")) show_verdict(screen, document.at("runs"));
  return screen.take();
}

}  // namespace tessera::pipeline
