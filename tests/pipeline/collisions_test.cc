#include "pipeline/collisions.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/pipeline/temp_folder.h"
#include "tests/pipeline/usage_message.h"

namespace tessera::pipeline {
namespace {

using Kind = Existing::Kind;

TEST_CASE("every policy decides every state of the output") {
  constexpr std::int64_t kInputTime = 1000;
  struct State {
    std::string name;
    Existing existing;
    std::array<Action, 4> expected;  // error, skip, overwrite, newer
    Action in_place;                 // under every policy, if not `as_usual`
    bool as_usual = true;
  };
  const auto refuse = Action::refuse, skip = Action::skip, replace = Action::replace, create = Action::create;
  const std::vector<State> states{
      {"absent", {Kind::absent, 0}, {create, create, create, create}, create},
      {"older file", {Kind::file, 999}, {refuse, skip, replace, replace}, create},
      {"file of the same age", {Kind::file, 1000}, {refuse, skip, replace, skip}, create},
      {"newer file", {Kind::file, 1001}, {refuse, skip, replace, skip}, create},
      {"older link", {Kind::link, 999}, {refuse, skip, replace, replace}, create},
      {"newer link", {Kind::link, 1001}, {refuse, skip, replace, skip}, create},
      {"folder", {Kind::folder, 0}, {refuse, refuse, refuse, refuse}, create},
      {"device", {Kind::other, 0}, {refuse, refuse, refuse, refuse}, create},
      {"the input", {Kind::the_input, 1000}, {refuse, refuse, refuse, refuse}, replace, false},
  };
  for (const State& state : states)
    for (std::size_t p = 0; p < 4; ++p) {
      INFO(state.name << ", " << on_exist_names()[p]);
      const auto policy = static_cast<OnExist>(p);
      const Decision usual = decide(policy, state.existing, kInputTime, false);
      CHECK(usual.action == state.expected[p]);
      CHECK(usual.reason.empty() == (usual.action == create || usual.action == replace));
      CHECK(decide(policy, state.existing, kInputTime, true).action ==
            (state.as_usual ? state.expected[p] : state.in_place));
    }
}

TEST_CASE("policies are known by name") {
  for (std::size_t p = 0; p < 4; ++p) CHECK(parse_on_exist(on_exist_names()[p], "x") == static_cast<OnExist>(p));
  CHECK(usage_message([] { parse_on_exist("overwirte", "--on-exist"); }) ==
        "--on-exist: on-exist: 'overwirte' is not one of error, skip, overwrite, newer; did you mean 'overwrite'?");
}

TEST_CASE("what has the output's name is seen as it is") {
  const TempFolder folder;
  const std::string input = folder.file("in.jpg"), other = folder.file("other.jpg");
  const auto kind = [&](const std::string& output, const std::string& of) { return look_at_output(output, of).kind; };
  std::filesystem::create_directory(folder / "sub");
  std::filesystem::create_symlink("in.jpg", folder / "link.jpg");
  std::filesystem::create_symlink("nothing", folder / "dangling.jpg");
  std::filesystem::create_hard_link(input, folder / "hard.jpg");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);

  CHECK(kind(folder / "absent.jpg", input) == Kind::absent);
  CHECK(kind(folder / "nowhere/absent.jpg", input) == Kind::absent);
  CHECK(kind(other, input) == Kind::file);
  CHECK(kind(folder / "sub", input) == Kind::folder);
  CHECK(kind(folder / "pipe", input) == Kind::other);
  CHECK(kind(folder / "dangling.jpg", input) == Kind::link);
  CHECK(kind(folder / "link.jpg", input) == Kind::link);  // replacing the link leaves the input
  CHECK(kind(folder / "hard.jpg", input) == Kind::file);  // so does replacing another of its names

  CHECK(kind(input, input) == Kind::the_input);
  CHECK(kind(folder / "sub/../in.jpg", input) == Kind::the_input);
  CHECK(kind(folder / "./in.jpg", input) == Kind::the_input);
  CHECK(kind(input, folder / "link.jpg") == Kind::the_input);  // named through a link
  CHECK(kind(folder / "link.jpg", folder / "link.jpg") == Kind::the_input);
  CHECK(kind(folder / "sub/../link.jpg", folder / "link.jpg") == Kind::the_input);
  CHECK(kind(folder / "hard.jpg", folder / "link.jpg") == Kind::file);
  std::filesystem::remove(folder / "hard.jpg");
  CHECK(kind(input, folder / "link.jpg") == Kind::the_input);

  const timespec times[2] = {{5, 0}, {1234, 567}};
  REQUIRE(utimensat(AT_FDCWD, other.c_str(), times, 0) == 0);
  CHECK(look_at_output(other, input).modified_ns == 1'234'000'000'567);
  CHECK_THROWS_WITH(look_at_output(other + "/x", input), Catch::Contains("cannot look at the output"));
}

TEST_CASE("the in-place test holds through a link to the folder") {
  const TempFolder folder;
  const std::string input = folder.file("real/in.jpg");
  std::filesystem::create_directory_symlink("real", folder / "alias");
  std::filesystem::create_hard_link(input, folder / "real/second.jpg");
  CHECK(look_at_output(folder / "alias/in.jpg", input).kind == Kind::the_input);
  CHECK(look_at_output(folder / "alias/second.jpg", input).kind == Kind::file);
}

TEST_CASE("two inputs of one output are both named") {
  CollisionDetector detector;
  CHECK_FALSE(detector.add("/out/a.jpg", "/in/a.png"));
  CHECK_FALSE(detector.add("/out/b.jpg", "/in/b.png"));
  CHECK_FALSE(detector.add("/out/a.webp", "/in/a.png"));
  const auto clash = detector.add("/out/a.jpg", "/in/a.tif");
  REQUIRE(clash);
  CHECK(to_string(*clash) == "'/in/a.png' and '/in/a.tif' would both be written to '/out/a.jpg'");
  const auto own = detector.add("/out/b.jpg", "/in/b.png");
  REQUIRE(own);
  CHECK(to_string(*own) == "two outputs of '/in/b.png' would both be written to '/out/b.jpg'");
}

TEST_CASE("an output that is another input is found whichever comes first") {
  CollisionDetector input_first, output_first;
  CHECK_FALSE(input_first.add("/p/z.jpg", "/p/b.jpg"));
  const auto late = input_first.add("/p/b.jpg", "/p/a.jpg");
  REQUIRE(late);
  CHECK_FALSE(output_first.add("/p/b.jpg", "/p/a.jpg"));
  const auto early = output_first.add("/p/z.jpg", "/p/b.jpg");
  REQUIRE(early);
  for (const Collision& c : {*late, *early}) {
    CHECK(c.kind == Collision::Kind::input_file);
    CHECK(to_string(c) == "the output of '/p/a.jpg' would overwrite the input '/p/b.jpg'");
  }
  CollisionDetector in_place;
  CHECK_FALSE(in_place.add("/p/a.jpg", "/p/a.jpg"));
  CHECK_FALSE(in_place.add("/p/b.jpg", "/p/b.jpg"));
}

}  // namespace
}  // namespace tessera::pipeline
