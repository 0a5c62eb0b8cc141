#include "pipeline/input_set.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "tests/pipeline/temp_folder.h"
#include "tests/pipeline/test_vocabulary.h"
#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

using Words = std::vector<std::string>;
constexpr auto kPath = InputSource::Kind::path, kList = InputSource::Kind::list;

/// A folder that is the working folder for as long as it lives: paths in tests are short.
class WorkingFolder : public TempFolder {
 public:
  WorkingFolder() : before_(std::filesystem::current_path()) { std::filesystem::current_path(path()); }
  ~WorkingFolder() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_;
};

std::vector<Input> all_of(InputSet& inputs) {
  std::vector<Input> all;
  while (auto input = inputs.next()) {
    CHECK(input->index == all.size());
    all.push_back(std::move(*input));
  }
  CHECK(inputs.finished());
  CHECK(inputs.ready_fd() == -1);
  return all;
}

std::vector<Input> inputs_of(const std::vector<InputSource>& sources, const InputOptions& options = {}) {
  return all_of(*make_input_set(sources, options, test_vocabulary()));
}

Words paths_of(const std::vector<InputSource>& sources, const InputOptions& options = {}) {
  Words paths;
  for (const Input& input : inputs_of(sources, options)) paths.push_back(input.path + (input.error ? " !" : ""));
  return paths;
}

Words empty_sources_of(const std::vector<InputSource>& sources) {
  const auto inputs = make_input_set(sources, {}, test_vocabulary());
  all_of(*inputs);
  return inputs->empty_sources();
}

void make_tree(const TempFolder& folder) {
  for (const char* name : {"p/b.jpg", "p/a.PNG", "p/note.txt", "p/.hidden.jpg", "p/z/2.jpg", "p/z/1.jpg",
                           "p/m/deep/x.webp", "p/.tessera/t.jpg", "p/.git/g.jpg", "p/noext", "p/z.jpg"})
    folder.file(name, "1234567");
}

TEST_CASE("what is no file in a folder is an input that fails", "[inputs]") {
  WorkingFolder folder;
  make_tree(folder);
  REQUIRE(mkfifo("p/c.jpg", 0600) == 0);
  REQUIRE(mkfifo("p/pipe.txt", 0600) == 0);
  std::filesystem::create_symlink("/dev/null", "p/d.jpg");
  std::filesystem::create_symlink("nowhere", "p/e.jpg");
  CHECK(paths_of({{kPath, "p"}}) == Words{"p/a.PNG", "p/b.jpg", "p/c.jpg !", "p/d.jpg !", "p/e.jpg !", "p/z.jpg"});
  const auto inputs = inputs_of({{kPath, "p/?.jpg"}});
  REQUIRE(inputs.size() == 5);
  CHECK(inputs[1].error == "it is not a regular file");
  CHECK(inputs[2].error == "it is not a regular file");
}

TEST_CASE("a folder gives the pictures directly inside, sorted") {
  const WorkingFolder folder;
  make_tree(folder);
  CHECK(paths_of({{kPath, "p"}}) == Words{"p/a.PNG", "p/b.jpg", "p/z.jpg"});
  CHECK(paths_of({{kPath, "p//"}}) == Words{"p/a.PNG", "p/b.jpg", "p/z.jpg"});
  const Input first = inputs_of({{kPath, "p"}}).at(0);
  CHECK(first.relative_dir.empty());
  CHECK(first.bytes == 7);
  std::filesystem::current_path("p");
  CHECK(paths_of({{kPath, "."}}) == Words{"a.PNG", "b.jpg", "z.jpg"});
}

TEST_CASE("a tree is given folder by folder and mirrored") {
  const WorkingFolder folder;
  make_tree(folder);
  const InputOptions recursive{.recursive = true};
  CHECK(paths_of({{kPath, "p"}}, recursive) ==
        Words{"p/a.PNG", "p/b.jpg", "p/z.jpg", "p/m/deep/x.webp", "p/z/1.jpg", "p/z/2.jpg"});
  const auto all = inputs_of({{kPath, folder / "p"}}, recursive);
  CHECK(all.at(0).relative_dir.empty());
  CHECK(all.at(3).relative_dir == "m/deep");
  CHECK(all.at(4).relative_dir == "z");
  CHECK(all.at(4).path == folder / "p/z/1.jpg");
}

TEST_CASE("the output folder is not an input, even if it appears during the run") {
  const WorkingFolder folder;
  make_tree(folder);
  const InputOptions options{.recursive = true, .skip_folder = "p/z"};
  CHECK(paths_of({{kPath, "p"}}, options) == Words{"p/a.PNG", "p/b.jpg", "p/z.jpg", "p/m/deep/x.webp"});
  CHECK(paths_of({{kPath, "p/z"}}, options) == Words{"p/z/1.jpg", "p/z/2.jpg"});  // named itself

  folder.file("q/n/a.jpg");
  const auto inputs = make_input_set({{kPath, "q"}}, {.recursive = true, .skip_folder = "q/n/out"}, test_vocabulary());
  folder.file("q/n/out/a.jpg");
  CHECK(inputs->next()->path == "q/n/a.jpg");
  CHECK_FALSE(inputs->next());
}

TEST_CASE("links to files are followed, links to folders cannot loop") {
  const WorkingFolder folder;
  folder.file("p/sub/a.jpg");
  folder.file("elsewhere/b.jpg", "12345");
  std::filesystem::create_symlink("../elsewhere/b.jpg", "p/link.jpg");
  std::filesystem::create_symlink("nothing.jpg", "p/dangling.jpg");
  std::filesystem::create_directory_symlink("..", "p/sub/up");
  std::filesystem::create_directory_symlink("../elsewhere", "p/other");
  REQUIRE(mkfifo("p/pipe.jpg", 0600) == 0);
  std::filesystem::create_symlink("pipe.jpg", "p/to_pipe.jpg");
  CHECK(paths_of({{kPath, "p"}}, {.recursive = true}) ==
        Words{"p/dangling.jpg !", "p/link.jpg", "p/pipe.jpg !", "p/to_pipe.jpg !", "p/sub/a.jpg"});
  CHECK(inputs_of({{kPath, "p"}}).at(1).bytes == 5);
  CHECK(paths_of({{kPath, "p/other"}}) == Words{"p/other/b.jpg"});
  CHECK(paths_of({{kPath, "p/*/b.jpg"}}) == Words{"p/other/b.jpg"});
  CHECK(paths_of({{kPath, "p/**/a.jpg"}}) == Words{"p/sub/a.jpg"});
}

TEST_CASE("patterns match files of any extension") {
  const WorkingFolder folder;
  make_tree(folder);
  folder.file("p/[x].jpg");
  struct Row {
    std::string pattern;
    Words paths;
  };
  const std::vector<Row> rows{
      {"p/*.jpg", {"p/[x].jpg", "p/b.jpg", "p/z.jpg"}},
      {"p/*", {"p/[x].jpg", "p/a.PNG", "p/b.jpg", "p/noext", "p/note.txt", "p/z.jpg"}},
      {"p/**/*.jpg", {"p/[x].jpg", "p/b.jpg", "p/z.jpg", "p/z/1.jpg", "p/z/2.jpg"}},
      {"p/**/z/*", {"p/z/1.jpg", "p/z/2.jpg"}},
      {"p/**/**/x.*", {"p/m/deep/x.webp"}},
      {"p/m/**", {"p/m/deep/x.webp"}},
      {"p/.*.jpg", {"p/.hidden.jpg"}},
      {"p/{b,a}.{jpg,PNG}", {"p/b.jpg", "p/a.PNG"}},
      {"p/{b,b,?}.jpg", {"p/b.jpg", "p/z.jpg"}},
      {"p/[x].jpg", {"p/[x].jpg"}},  // the very name wins over the pattern
      {"p/\\[x].jp?", {"p/[x].jpg"}},
      {"[p]/z/[!2].jpg", {"p/z/1.jpg"}},
  };
  for (const Row& row : rows) {
    INFO(row.pattern);
    CHECK(paths_of({{kPath, row.pattern}}) == row.paths);
  }
  CHECK(inputs_of({{kPath, "p/**/*.jpg"}}).at(3).relative_dir == "z");
  CHECK(inputs_of({{kPath, "*/z/*.jpg"}}).at(0).relative_dir == "p/z");
  CHECK_THAT(usage_message([] { inputs_of({{kPath, "p/*/"}}); }), Catch::Contains("ends in a slash"));
}

TEST_CASE("what matches nothing counts nothing and is reported") {
  const WorkingFolder folder;
  make_tree(folder);
  std::filesystem::create_directory("empty");
  CHECK(empty_sources_of(
            {{kPath, "empty"}, {kPath, "p"}, {kPath, "p/*.gif"}, {kPath, "no/*.jpg"}, {kPath, "p/{x,y}*"}}) ==
        Words{"empty", "p/*.gif", "no/*.jpg", "p/{x,y}*"});
  CHECK(empty_sources_of({{kPath, "p/{x,b}.jpg"}}).empty());
}

TEST_CASE("named files are taken whatever they are, missing ones fail by themselves") {
  const WorkingFolder folder;
  make_tree(folder);
  const auto all = inputs_of({{kPath, "p/note.txt"}, {kPath, "gone.jpg"}, {kPath, "p/.hidden.jpg"}});
  REQUIRE(all.size() == 3);
  CHECK(all[0].path == "p/note.txt");
  CHECK(all[0].relative_dir.empty());
  CHECK_FALSE(all[0].error);
  CHECK(all[1].error == "there is no such file");
  CHECK(usage_message([] { inputs_of({{kPath, "gone/"}}); }) == "there is no folder 'gone/'");
  CHECK_THAT(usage_message([] { inputs_of({{kPath, ""}}); }), Catch::Contains("empty name"));
}

TEST_CASE("a folder that cannot be read is one failed item") {
  const WorkingFolder folder;
  make_tree(folder);
  const auto inputs = make_input_set({{kPath, "p"}}, {.recursive = true}, test_vocabulary());
  REQUIRE(inputs->next());
  std::filesystem::remove_all("p/m");  // seen already, not yet entered
  Words rest;
  while (const auto input = inputs->next()) {
    rest.push_back(input->path);
    CHECK(input->error.has_value() == (input->path == "p/m"));
  }
  CHECK(rest == Words{"p/b.jpg", "p/z.jpg", "p/m", "p/z/1.jpg", "p/z/2.jpg"});
}

TEST_CASE("the same file by the same path is taken once, its other names are files of their own") {
  const WorkingFolder folder;
  make_tree(folder);
  std::filesystem::create_hard_link("p/b.jpg", "p/hard.jpg");
  std::filesystem::create_symlink("b.jpg", "p/soft.jpg");
  CHECK(paths_of({{kPath, "p/b.jpg"},
                  {kPath, "./p/b.jpg"},
                  {kPath, folder / "p/z/../b.jpg"},
                  {kPath, "p"},
                  {kPath, "gone.jpg"},
                  {kPath, "gone.jpg"},
                  {kPath, "p/*.jpg"}}) ==
        Words{"p/b.jpg", "p/a.PNG", "p/hard.jpg", "p/soft.jpg", "p/z.jpg", "gone.jpg !"});
}

TEST_CASE("lists name files, one a line or NUL-separated") {
  const WorkingFolder folder;
  make_tree(folder);
  folder.file("odd\nname.jpg");
  struct Row {
    std::string content;
    ListSeparator separator;
    Words paths;
  };
  const std::vector<Row> rows{
      {"", ListSeparator::detect, {}},
      {"p/b.jpg\n\n./p/z/1.jpg", ListSeparator::detect, {"p/b.jpg", "./p/z/1.jpg"}},
      {"p/b.jpg\r\np/note.txt\r\n", ListSeparator::detect, {"p/b.jpg", "p/note.txt"}},
      {"p/b.jpg", ListSeparator::detect, {"p/b.jpg"}},
      {std::string("odd\nname.jpg\0p/b.jpg\0", 21), ListSeparator::detect, {"odd\nname.jpg", "p/b.jpg"}},
      {"odd\nname.jpg", ListSeparator::nul, {"odd\nname.jpg"}},
      {std::string("p/b.jpg\0x\np/z.jpg", 17), ListSeparator::newline, {std::string("p/b.jpg\0x !", 11), "p/z.jpg"}},
      {"p\ngone.jpg\np/b.jpg\np/b.jpg\n", ListSeparator::detect, {"p !", "gone.jpg !", "p/b.jpg"}},
      {std::string(70'000, 'x') + "\np/b.jpg\n", ListSeparator::newline, {std::string(70'000, 'x') + " !", "p/b.jpg"}},
      {std::string(200'000, 'x') + "\np/b.jpg\n", ListSeparator::newline, {"list !"}},
  };
  for (const Row& row : rows) {
    INFO(row.content.substr(0, 100));
    folder.file("list", row.content);
    CHECK(paths_of({{kList, "list"}}, {.separator = row.separator}) == row.paths);
  }
  CHECK_THAT(usage_message([] { inputs_of({{kList, "gone"}}); }), Catch::Contains("'gone' cannot be opened"));
  CHECK_THAT(usage_message([] { inputs_of({{kList, "p"}}); }), Catch::Contains("is a folder"));
  CHECK_THAT(usage_message([] { inputs_of({{kList, "-"}, {kList, "-"}}); }), Catch::Contains("only once"));
}

TEST_CASE("listed relative paths keep their folders") {
  const WorkingFolder folder;
  make_tree(folder);
  folder.file("list", "./p/z/1.jpg\np/../p/b.jpg\n" + (folder / "p/z/2.jpg") + "\n../gone/x.jpg\nnote.jpg\n");
  Words folders;
  for (const Input& input : inputs_of({{kList, "list"}})) folders.push_back(input.relative_dir);
  CHECK(folders == Words{"p/z", "p", "", "", ""});
}

/// Standard input is a pipe for as long as this lives.
class PipedInput {
 public:
  PipedInput() : saved_(dup(STDIN_FILENO)) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    writer_ = ends[1];
  }
  ~PipedInput() {
    finish();
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }
  void write(const std::string& text) { REQUIRE(::write(writer_, text.data(), text.size()) == ssize_t(text.size())); }
  void finish() {
    if (writer_ >= 0) close(std::exchange(writer_, -1));
  }

 private:
  int saved_ = -1, writer_ = -1;
};

bool readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return poll(&ready, 1, 0) == 1;
}

TEST_CASE("a list on a pipe never blocks and tells 'not now' from 'no more'") {
  const WorkingFolder folder;
  make_tree(folder);
  PipedInput pipe;
  const auto inputs = make_input_set({{kList, "-"}, {kPath, "p/note.txt"}}, {}, test_vocabulary());
  CHECK_FALSE(inputs->next());
  CHECK_FALSE(inputs->finished());
  REQUIRE(inputs->ready_fd() == STDIN_FILENO);
  CHECK_FALSE(readable(inputs->ready_fd()));

  pipe.write("p/b.jpg\np/z");
  CHECK(readable(inputs->ready_fd()));
  CHECK(inputs->next()->path == "p/b.jpg");
  CHECK_FALSE(inputs->next());
  CHECK_FALSE(inputs->finished());
  pipe.write("/1.jpg\ngone.jpg");
  CHECK(inputs->next()->path == "p/z/1.jpg");
  CHECK_FALSE(inputs->next());
  pipe.finish();
  CHECK(readable(inputs->ready_fd()));
  CHECK(inputs->next()->error == "there is no such file");
  CHECK(inputs->next()->path == "p/note.txt");
  CHECK(inputs->ready_fd() == -1);
  CHECK_FALSE(inputs->next());
  CHECK(inputs->finished());
  CHECK((fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a list is the same however it trickles in") {
  const WorkingFolder folder;
  const auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::string text;
  Words expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back("f" + std::to_string(i) + std::string(random() % 40, 'x'));
    text += expected.back() + "\n";
  }
  PipedInput pipe;
  const auto inputs = make_input_set({{kList, "-"}}, {}, test_vocabulary());
  Words got;
  const auto drain = [&] {
    while (auto input = inputs->next()) got.push_back(input->path);
  };
  while (!text.empty()) {
    const std::size_t piece = std::min<std::size_t>(text.size(), 1 + random() % 60);
    pipe.write(text.substr(0, piece));
    text.erase(0, piece);
    drain();
  }
  pipe.finish();
  drain();
  CHECK(inputs->finished());
  CHECK(got == expected);
}

TEST_CASE("no descriptor is left open") {
  const WorkingFolder folder;
  make_tree(folder);
  folder.file("list", "p/b.jpg\n");
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_descriptors();
  {
    const auto inputs = make_input_set({{kPath, "p"}, {kList, "list"}}, {.recursive = true}, test_vocabulary());
    inputs->next();
    inputs->next();
  }
  CHECK_THROWS(inputs_of({{kList, "list"}, {kList, "p"}}));
  CHECK(open_descriptors() == before);
}

}  // namespace
}  // namespace tessera::pipeline
