// Tokens, ids of actors and times: short texts that people paste.
#include "orrery/core/ids.hpp"
#include "orrery/testkit/settings.hpp"
#include "orrery/testkit/token.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace orrery::fuzz {

namespace {

void check(std::string_view input) {
  const auto token = testkit::parse_token(input);
  if (token) {
    require(testkit::to_string(*token) == input, "a token has one spelling");
  } else {
    require_clear_line(token.error());
  }
  if (const auto id = parse_actor_id(input)) require(to_string(*id) == input, "an actor's id has one spelling");
  if (const auto time = testkit::parse_time(input)) {
    using std::chrono::milliseconds;
    require(*time > milliseconds::zero() && *time <= std::chrono::days{366}, "a time is positive and at most a year");
    require(testkit::parse_time(std::to_string(time->count()) + "ms") == time, "a time can be written in milliseconds");
  }
}

std::vector<std::string> seeds() {
  std::vector<std::string> all = {"@1.2.3.4", "@0.4294967295.1.1", "90s", "1500ms", "8h", "12", "0s"};
  for (const std::uint64_t run : {0U, 1U, 17U, 1'000'000U}) {
    all.push_back(testkit::to_string({.run = run}));
    all.push_back(
        testkit::to_string({.seed = ~run, .run = ~run, .profile = 3, .strategy = 31, .grain = 3, .test_hash = 0xfff}));
  }
  all.insert(all.end(),
             {repeated("0", many), repeated("b7k2-", many / 5), "@" + repeated("9", many), repeated("1", many) + "s"});
  return all;
}

const Registered registered{{"tokens", check, seeds}};

}  // namespace

}  // namespace orrery::fuzz
