#include "orrery/testkit/scenario/parse.hpp"

#include "orrery/testkit/scenario/print.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery::scenario {
namespace {

/// A scenario around some events: w0 and w1 under root, w2 under s0, instances of t0 under s1.
std::string with_events(const std::string& events) {
  return "scenario x\n"                                      // line 1
         "sup root parent=-\n"                               // line 2
         "work w0 parent=root\n"                             // line 3
         "work w1 parent=root\n"                             // line 4
         "sup s0 parent=root\n"                              // line 5
         "work w2 parent=s0\n"                               // line 6
         "sup s1 parent=root strategy=simple_one_for_one\n"  // line 7
         "tmpl t0 parent=s1\n"                               // line 8
         "run\n" +                                           // line 9
         events +
         "end\n";  // from line 10 on
}
std::string with_declarations(const std::string& declarations) {
  return "scenario x\nsup root parent=-\n" + declarations + "run\nend\n";  // from line 3 on
}

struct Wrong {
  std::string text;
  int line;
  std::string reason;
};
void expect_refused(const std::vector<Wrong>& cases) {
  for (const Wrong& wrong : cases) {
    const auto parsed = parse(wrong.text);
    if (parsed) {
      ADD_FAILURE() << "was taken:\n" << wrong.text;
      continue;
    }
    EXPECT_EQ(to_string(parsed.error()), fmt::format("line {}: {}", wrong.line, wrong.reason)) << wrong.text;
  }
}

// Goal:   whoever writes a scenario wrongly is told where and what.
TEST(Parse, names_line_and_fault_of_a_broken_frame) {
  expect_refused({
      {"", 1, "a scenario begins with: scenario NAME"},
      {"# nothing\n\n", 2, "a scenario begins with: scenario NAME"},
      {"sup root parent=-\n", 1, "a scenario begins with: scenario NAME"},
      {"scenario\n", 1, "scenario takes NAME"},
      {"scenario a b\n", 1, "scenario takes NAME"},
      {"scenario a\nrun\nend\n", 2, "there is no root: declare a supervisor with parent=-"},
      {"scenario a\nsup root parent=-\n", 2, "run is missing"},
      {"scenario a\nsup root parent=-\nrun now\n", 3, "run stands alone"},
      {"scenario a\nsup root parent=-\nrun\n", 3, "end is missing"},
      {"scenario a\nsup root parent=-\nrun\nend now\n", 4, "end stands alone"},
      {"scenario a\nsup root parent=-\nrun\nend\nexit a crash\n", 5, "nothing may follow end"},
      {"scenario a\nsup root parent=-\nend\n", 3,
       "unknown statement end: before run there are sup, work, tmpl and tags"},
      {"scenario a\nscenario b\n", 2, "unknown statement scenario: before run there are sup, work, tmpl and tags"},
      {"scenario a\ntags a b\n", 2, "tags takes a,b"},
      {"scenario a\ntags a,\n", 2, "tags takes a,b: no tag is empty"},
      {"scenario a\ntags ,a\n", 2, "tags takes a,b: no tag is empty"},
      {"scenario a\ntags a\ntags b\n", 3, "tags stands once, before the declarations"},
      {"scenario a\nsup root parent=-\ntags b\n", 3, "tags stands once, before the declarations"},
      {std::string{"scenario a\nsup root\0 parent=-\n", 31}, 2, "byte 0x00 does not belong into a text"},
      {"scenario a\nsup root\x7f parent=-\n", 2, "byte 0x7f does not belong into a text"},
  });
}

TEST(Parse, names_line_and_fault_of_a_declaration) {
  const std::string attributes =
      "strategy, intensity, period, auto, restart, shutdown, significant, trap, slow, stubborn, exit, plan";
  expect_refused({
      {with_declarations("sup\n"), 3, "sup takes ID parent=P [k=v...]"},
      {with_declarations("work w0\n"), 3, "work takes ID parent=P [k=v...]"},
      {with_declarations("work w0 restart=transient\n"), 3, "w0 needs a parent="},
      {with_declarations("work w0 parent=\n"), 3, "parent= has no value"},
      {with_declarations("work w0 parent=root parent=root\n"), 3, "parent= is given twice"},
      {with_declarations("work w.0 parent=root\n"), 3, "w.0 is no id: ids are letters, digits, _ and -"},
      {with_declarations("work w[0 parent=root\n"), 3, "w[0 is no id: ids are letters, digits, _ and -"},
      {with_declarations("work - parent=root\n"), 3, "- is no id: ids are letters, digits, _ and -"},
      {with_declarations("work w0 parent=s0\n"), 3, "parent=s0 is not declared before w0"},
      {with_declarations("work w0 parent=root\nwork w1 parent=w0\n"), 4, "parent=w0 is no supervisor"},
      {with_declarations("sup other parent=-\n"), 3, "other is a second root"},
      {"scenario x\nwork w0 parent=-\nrun\nend\n", 2, "the root w0 must be a sup"},
      {with_declarations("sup s0 parent=root\nwork w0 parent=root\nwork w0 parent=s0\n"), 5,
       "w0 is declared in line 4, under another parent"},
      {with_declarations("tmpl t0 parent=root\n"), 3, "t0 is a template, and parent=root is not simple_one_for_one"},
      {with_declarations("sup s0 parent=root strategy=simple_one_for_one\nsup s1 parent=s0\n"), 4,
       "s1 is under s0, which is simple_one_for_one and has one tmpl"},
      {with_declarations("work w0 parent=root trap\n"), 3, "trap is no attribute: attributes are k=v"},
      {with_declarations("work w0 parent=root colour=red\n"), 3, "unknown attribute colour: there are " + attributes},
      {with_declarations("work w0 parent=root trap=1 trap=1\n"), 3, "trap= is given twice"},
      {with_declarations("work w0 parent=root exit=\n"), 3, "exit= has no value"},
      {with_declarations("work w0 parent=root intensity=1\n"), 3, "intensity= is for supervisors, and w0 is a worker"},
      {with_declarations("work w0 parent=root strategy=one_for_all\n"), 3,
       "strategy= is for supervisors, and w0 is a worker"},
      {with_declarations("sup s0 parent=root strategy=simple_one_for_one\ntmpl t parent=s0 auto=never\n"), 4,
       "auto= is for supervisors, and t is a template"},
      {with_declarations("sup s0 parent=root trap=1\n"), 3, "trap= is for workers, and s0 is a supervisor"},
      {with_declarations("sup s0 parent=root slow=1\n"), 3, "slow= is for workers, and s0 is a supervisor"},
      {with_declarations("sup s0 parent=root strategy=all\n"), 3,
       "strategy=all must be one_for_one, one_for_all, rest_for_one or simple_one_for_one"},
      {with_declarations("sup s0 parent=root auto=yes\n"), 3,
       "auto=yes must be never, any_significant or all_significant"},
      {with_declarations("work w0 parent=root restart=always\n"), 3,
       "restart=always must be permanent, transient or temporary"},
      {with_declarations("work w0 parent=root significant=1\n"), 3, "significant=1 must be false or true"},
      {with_declarations("work w0 parent=root trap=yes\n"), 3, "trap=yes must be 0 or 1"},
      {with_declarations("work w0 parent=root stubborn=2\n"), 3, "stubborn=2 must be 0 or 1"},
      {with_declarations("work w0 parent=root plan=oe*o\n"), 3,
       "plan=oe*o must be letters of o, e, x and i, with * only at the end"},
      {with_declarations("work w0 parent=root plan=*\n"), 3,
       "plan=* must be letters of o, e, x and i, with * only at the end"},
      {with_declarations("work w0 parent=root plan=ok\n"), 3,
       "plan=ok must be letters of o, e, x and i, with * only at the end"},
  });
}

TEST(Parse, bounds_every_number) {
  expect_refused({
      {with_declarations("sup s0 parent=root intensity=many\n"), 3, "intensity=many must be a whole number"},
      {with_declarations("sup s0 parent=root intensity=1.5\n"), 3, "intensity=1.5 must be a whole number"},
      {with_declarations("sup s0 parent=root intensity=1000000001\n"), 3,
       "intensity=1000000001 must be between -1000000000 and 1000000000"},
      {with_declarations("sup s0 parent=root intensity=99999999999999999999\n"), 3,
       "intensity=99999999999999999999 must be between -1000000000 and 1000000000"},
      {with_declarations("sup s0 parent=root period=+5\n"), 3, "period=+5 must be a whole number"},
      {with_declarations("sup s0 parent=root period=1000000001\n"), 3,
       "period=1000000001 must be between -1000000000 and 1000000000"},
      {with_declarations("work w0 parent=root slow=-1\n"), 3, "slow=-1 must be between 0 and 4294967295"},
      {with_declarations("work w0 parent=root shutdown=-1\n"), 3, "shutdown=-1 must be between 0 and 4294967295"},
      {with_declarations("work w0 parent=root shutdown=4294967296\n"), 3,
       "shutdown=4294967296 must be between 0 and 4294967295"},
      {with_declarations("work w0 parent=root shutdown=5-\n"), 3, "shutdown=5- must be a whole number"},
      {with_declarations("work w0 parent=root shutdown=soon\n"), 3,
       "shutdown=soon must be a number of milliseconds, infinity or brutal_kill"},
      {with_events("advance -1\n"), 10, "advance -1 must be between 0 and 1000000000"},
      {with_events("advance 1000000001\n"), 10, "advance 1000000001 must be between 0 and 1000000000"},
      {with_events("advance long\n"), 10, "advance long must be a whole number"},
      {with_events("batch root -1\n"), 10, "batch root -1 must be between 0 and 1000000000"},
      {with_events("batch root x\n"), 10, "batch root x must be a whole number"},
  });
  EXPECT_TRUE(parse(with_declarations("work w0 parent=root shutdown=4294967295 slow=0\n")));
  EXPECT_TRUE(parse(with_events("advance 1000000000\nadvance 0\nbatch root 0\n")));
}

TEST(Parse, names_line_and_fault_of_an_event) {
  expect_refused({
      {with_events("explode w0\n"), 10,
       "unknown event explode: there are exit, kill, signal, post, stop, advance, plan, terminate, restart, delete, "
       "add, "
       "spawn, count, which, batch"},
      {with_events("exit w0\n"), 10, "exit takes W REASON"},
      {with_events("exit w0 crash again\n"), 10, "exit takes W REASON"},
      {with_events("kill\n"), 10, "kill takes X"},
      {with_events("signal w0\n"), 10, "signal takes X REASON"},
      {with_events("post w0\n"), 10, "post takes W MESSAGE..."},
      {with_events("post w0 m1 !\n"), 10, "! needs the reason to exit with right behind it"},
      {with_events("stop root\n"), 10, "stop takes SUP REASON"},
      {with_events("advance\n"), 10, "advance takes SECONDS"},
      {with_events("plan w0\n"), 10, "plan takes ID LETTERS"},
      {with_events("plan w0 ok\n"), 10, "plan ok must be letters of o, e, x and i, with * only at the end"},
      {with_events("terminate root\n"), 10, "terminate takes SUP ID"},
      {with_events("restart root\n"), 10, "restart takes SUP ID"},
      {with_events("delete root w0 w1\n"), 10, "delete takes SUP ID"},
      {with_events("add root work\n"), 10, "add takes SUP work|sup ID [k=v...]"},
      {with_events("add root tmpl x\n"), 10, "tmpl cannot be added: add is for work and sup"},
      {with_events("add root work x parent=root\n"), 10, "parent= is not for add: root is the parent"},
      {with_events("add root work x period=3\n"), 10, "period= is for supervisors, and x is a worker"},
      {with_events("add root work x:1\n"), 10, "x:1 is no id: ids are letters, digits, _ and -"},
      {with_events("spawn\n"), 10, "spawn takes SUP"},
      {with_events("count root root\n"), 10, "count takes SUP"},
      {with_events("which\n"), 10, "which takes SUP"},
      {with_events("batch root\n"), 10, "batch takes SUP N"},
      {with_events("exit w0#1 crash\n"), 10, "exit takes W REASON"},  // # starts a comment
      {with_events("exit w0/1 crash\n"), 10,
       "w0/1 is no id: ids are letters, digits, _ and -, of an instance with .K behind them"},
      {with_events("stop s.1 crash\n"), 10, "s.1 is no id: ids are letters, digits, _ and -"},
      {with_events("\n\nwork w9 parent=root\n"), 12,
       "unknown event work: there are exit, kill, signal, post, stop, advance, plan, terminate, restart, delete, add, "
       "spawn, count, which, batch"},
  });
}

TEST(Parse, names_line_and_fault_of_a_batch) {
  expect_refused({
      {with_events("batch root 2\nkill w0\n"), 12, "batch root 2 in line 10 has only 1 operation"},
      {with_events("batch root 3\n"), 11, "batch root 3 in line 10 has only 0 operations"},
      {"scenario x\nsup root parent=-\nrun\nbatch root 2\nkill w0\n", 5, "batch root 2 in line 4 has only 1 operation"},
      {with_events("batch root 2\nkill w0\nbatch root 0\n"), 12, "a batch holds no batch"},
      {with_events("batch root 1\nexit w2 crash\n"), 11,
       "in a batch of root only its children are touched: exit w2 is not possible"},
      {with_events("batch root 1\npost w2 m1\n"), 11,
       "in a batch of root only its children are touched: post w2 is not possible"},
      {with_events("batch s0 1\nkill s0\n"), 11,
       "in a batch of s0 only its children are touched: kill s0 is not possible"},
      {with_events("batch s0 2\nkill w2\nstop root shutdown\n"), 12,
       "in a batch of s0 only its children are touched: stop root is not possible"},
      {with_events("batch s0 1\nsignal t0.1 crash\n"), 11,
       "in a batch of s0 only its children are touched: signal t0.1 is not possible"},
  });
  EXPECT_TRUE(parse(with_events("batch root 4\nstop root shutdown\nstop s0 crash\nkill s0\ncount s0\n")));
  EXPECT_TRUE(parse(with_events("batch s1 3\nkill t0.1\nterminate s1 t0.1\nspawn s1\n")));
  EXPECT_TRUE(parse(with_events("batch zz 1\nkill w2\n"))) << "whose children are who if zz is nobody?";
}

// Goal:   an id that is nobody finds nobody; one that is something else is a mistake (T3).
TEST(Parse, refuses_to_ask_of_an_id_what_it_never_is) {
  expect_refused({
      {with_events("exit s0 crash\n"), 10, "exit is for workers, and s0 is a supervisor"},
      {with_events("post root m1\n"), 10, "post is for workers, and root is a supervisor"},
      {with_events("kill w0\nstop w0 crash\n"), 11, "stop is for supervisors, and w0 is none"},
      {with_events("count w0\n"), 10, "count is for supervisors, and w0 is none"},
      {with_events("which t0\n"), 10, "which is for supervisors, and t0 is none"},
      {with_events("terminate w0 w1\n"), 10, "terminate is for supervisors, and w0 is none"},
      {with_events("restart w0 w1\n"), 10, "restart is for supervisors, and w0 is none"},
      {with_events("delete w0 w1\n"), 10, "delete is for supervisors, and w0 is none"},
      {with_events("batch w0 0\n"), 10, "batch is for supervisors, and w0 is none"},
      {with_events("add w0 work x\n"), 10, "add is for supervisors, and w0 is none"},
      {with_events("add s1 work x\n"), 10, "s1 is simple_one_for_one: it is asked to spawn, not to add"},
      {with_events("spawn s0\n"), 10, "s0 is not simple_one_for_one: only such a supervisor can spawn"},
      {with_events("spawn w0\n"), 10, "spawn is for supervisors, and w0 is none"},
      {with_events("exit t0 crash\n"), 10, "t0 is a template: exit one of its instances, like t0.1"},
      {with_events("kill t0\n"), 10, "t0 is a template: kill one of its instances, like t0.1"},
      {with_events("add root work d0\nstop d0 normal\n"), 11, "stop is for supervisors, and d0 is none"},
  });
  EXPECT_TRUE(parse(with_events("exit zz crash\nstop zz normal\nspawn zz\nadd zz work x\nterminate root zz\n")));
  EXPECT_TRUE(parse(with_events("exit d0 crash\nadd root work d0\n"))) << "it is too early, not wrong";
  EXPECT_TRUE(parse(with_events("add root sup d0 strategy=simple_one_for_one\nspawn d0\n")));
  EXPECT_TRUE(parse(with_events("exit t0.7 crash\nkill t0.1\nplan t0 ee\nplan t0.1 e*\nterminate s1 t0\n")));
}

// Goal:   T2, what a supervisor's start judges is not judged by the text.
TEST(Parse, leaves_bad_specifications_to_the_start) {
  for (const std::string declarations : {
           "sup s0 parent=root period=0\n",
           "sup s0 parent=root period=-3\n",
           "sup s0 parent=root intensity=-1\n",
           "work a parent=root\nwork a parent=root\n",
           "work a parent=root significant=true\n",
           "sup s0 parent=root auto=any_significant\nwork a parent=s0 restart=permanent significant=true\n",
           "sup s0 parent=root strategy=simple_one_for_one\n",
           "sup s0 parent=root strategy=simple_one_for_one\ntmpl a parent=s0\ntmpl b parent=s0\n",
       }) {
    EXPECT_TRUE(parse(with_declarations(declarations))) << declarations;
  }
}

TEST(Parse, reads_everything_that_can_be_declared) {
  const auto parsed = parse(
      "scenario all\ntags a,b\n"
      "sup root parent=- strategy=rest_for_one intensity=3 period=7 auto=all_significant\n"
      "sup s0 parent=root strategy=simple_one_for_one restart=temporary shutdown=30 significant=true\n"
      "tmpl t parent=s0 restart=transient shutdown=brutal_kill\n"
      "work w parent=root restart=transient shutdown=infinity significant=false trap=1 slow=20 stubborn=0 exit=bye "
      "plan=oexi*\n"
      "run\nend\n");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->name, "all");
  EXPECT_EQ(parsed->tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(parsed->has_tag("b"));
  EXPECT_FALSE(parsed->has_tag("c"));

  const Declaration& root = parsed->declarations[0];
  EXPECT_EQ(root.kind, Kind::supervisor);
  EXPECT_EQ(root.strategy, Strategy::rest_for_one);
  EXPECT_EQ(root.intensity, 3);
  EXPECT_EQ(root.period, 7);
  EXPECT_EQ(root.auto_shutdown, AutoShutdown::all_significant);
  EXPECT_EQ(root.line, 3);

  const Declaration& supervisor = *parsed->find("s0");
  EXPECT_EQ(supervisor.intensity, 1);
  EXPECT_EQ(supervisor.period, 5);
  EXPECT_EQ(supervisor.restart, Restart::temporary);
  EXPECT_EQ(supervisor.shutdown, (Shutdown{.how = Shutdown::How::timed, .ms = 30}));
  EXPECT_TRUE(supervisor.significant);

  const Declaration& pattern = *parsed->find("t");
  EXPECT_EQ(pattern.kind, Kind::instance_template);
  EXPECT_EQ(pattern.shutdown.how, Shutdown::How::brutal_kill);

  const Declaration& worker = *parsed->find("w");
  EXPECT_EQ(worker.kind, Kind::worker);
  EXPECT_EQ(worker.restart, Restart::transient);
  EXPECT_EQ(worker.shutdown.how, Shutdown::How::infinity);
  EXPECT_FALSE(worker.significant);
  EXPECT_TRUE(worker.given.has(Attribute::significant));
  EXPECT_FALSE(worker.given.has(Attribute::intensity));
  EXPECT_TRUE(worker.trap);
  EXPECT_FALSE(worker.stubborn);
  EXPECT_EQ(worker.slow, 20);
  EXPECT_EQ(worker.exit, "bye");
  EXPECT_EQ(worker.plan, "oexi*");
  EXPECT_EQ(parsed->children_of("root"), (std::vector<const Declaration*>{&supervisor, &worker}));
  EXPECT_EQ(parsed->find("nobody"), nullptr);
}

TEST(Parse, gives_defaults_as_otp_has_them) {
  const auto parsed = parse(with_declarations("sup s parent=root\nwork w parent=root\n"));
  ASSERT_TRUE(parsed);
  const Declaration& worker = *parsed->find("w");
  EXPECT_EQ(worker.restart, Restart::permanent);
  EXPECT_EQ(worker.shutdown, (Shutdown{.how = Shutdown::How::timed, .ms = 5000}));
  EXPECT_EQ(parsed->find("s")->shutdown.how, Shutdown::How::infinity);
  EXPECT_EQ(parsed->find("s")->strategy, Strategy::one_for_one);
  EXPECT_EQ(parsed->find("s")->auto_shutdown, AutoShutdown::never);
}

TEST(Parse, keeps_the_words_and_the_line_of_an_event) {
  const auto parsed =
      parse(with_events("  exit\tw0   crash # boom\r\n\r\nadd root work d0   trap=1 restart=transient\n"
                        "batch root 1\n  post w0 m1 !bye\n"));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  ASSERT_EQ(parsed->events.size(), 3U);
  EXPECT_EQ(parsed->events[0].text, "exit w0 crash");
  EXPECT_EQ(parsed->events[0].line, 10);
  EXPECT_EQ(std::get<Exit>(parsed->events[0].action), (Exit{.target = "w0", .reason = "crash"}));
  EXPECT_EQ(parsed->events[1].text, "add root work d0 trap=1 restart=transient") << "in the order of the text";
  EXPECT_EQ(parsed->events[1].line, 12);
  const Batch& batch = std::get<Batch>(parsed->events[2].action);
  ASSERT_EQ(batch.operations.size(), 1U);
  EXPECT_EQ(batch.operations[0].text, "post w0 m1 !bye");
  EXPECT_EQ(batch.operations[0].line, 14);
  EXPECT_EQ(std::get<Post>(batch.operations[0].action).messages,
            (std::vector<Message>{{.text = "m1", .exits = false}, {.text = "bye", .exits = true}}));
}

TEST(Parse, takes_what_the_format_leaves_open) {
  EXPECT_TRUE(parse("# first\n\nscenario x # name\n\n\tsup root parent=-\t# root\nrun\nend\n\n# last\n"));
  EXPECT_TRUE(parse("scenario x\r\nsup root parent=-\r\nrun\r\nend")) << "carriage returns, and no last newline";
  EXPECT_TRUE(parse("scenario x\ntags\nsup root parent=-\nrun\nend\n")) << "no tags";
  const auto simple = parse(with_declarations("sup s parent=root strategy=simple_one_for_one\nwork w parent=s\n"));
  ASSERT_TRUE(simple);
  EXPECT_EQ(simple->find("w")->kind, Kind::instance_template) << "the one child of such a supervisor is its template";
}

// Method: everything is cut off after each byte, and each byte is replaced by several others.
TEST(Parse, never_crashes) {
  const std::string text =
      with_events("batch root 2\nexit w0 crash\nadd root work d trap=1 slow=5 plan=oe*\nadvance 3\n");
  ASSERT_TRUE(parse(text));
  std::size_t taken = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    taken += parse(text.substr(0, at)) ? 1 : 0;
    for (const char c : {'\0', '\n', ' ', '#', '=', '-', '9', '\xff'}) {
      std::string broken = text;
      broken.insert(at, 1, c);
      taken += parse(broken) ? 1 : 0;
    }
  }
  EXPECT_GT(taken, 0U);
}

TEST(Reason, is_abnormal_unless_it_is_normal_or_a_shutdown) {
  EXPECT_FALSE(is_abnormal("normal"));
  EXPECT_FALSE(is_abnormal("shutdown"));
  EXPECT_FALSE(is_abnormal("shutdown:bye"));
  EXPECT_TRUE(is_abnormal("killed"));
  EXPECT_TRUE(is_abnormal("shutdowns"));
  EXPECT_TRUE(is_abnormal("crash"));
}

TEST(InstanceId, is_a_template_and_a_number) {
  EXPECT_EQ(split_instance("t.12").base, "t");
  EXPECT_EQ(split_instance("t.12").number, 12U);
  for (const std::string_view none : {"t", "t.", ".1", "t.x", "t.1x", "t.-1", ""}) {
    EXPECT_TRUE(split_instance(none).base.empty()) << none;
  }
}

std::string outcomes(Plan plan, int attempts) {
  std::string out;
  for (int i = 0; i < attempts; ++i) out += "oexi"[static_cast<int>(plan.next())];
  return out;
}

TEST(Plan, says_one_letter_per_attempt_and_then_ok) {
  EXPECT_EQ(outcomes(Plan{"exio"}, 6), "exiooo");
  EXPECT_EQ(outcomes(Plan{"oe*"}, 6), "oeeeee");
  EXPECT_EQ(outcomes(Plan{"x*"}, 3), "xxx");
  EXPECT_EQ(outcomes(Plan{}, 2), "oo");
}

TEST(Plans, share_a_templates_plan_among_its_instances) {
  Plans plans;
  plans.replace("t", "exi");
  EXPECT_EQ(plans.next("t.1"), Outcome::error);
  EXPECT_EQ(plans.next("t.2"), Outcome::crash);
  plans.replace("t.1", "e");
  EXPECT_EQ(plans.next("t.1"), Outcome::error) << "its own";
  EXPECT_EQ(plans.next("t.1"), Outcome::ok) << "its own is exhausted: it does not go back to the template's";
  EXPECT_EQ(plans.next("t.3"), Outcome::ignore);
  EXPECT_EQ(plans.next("u"), Outcome::ok);
}

}  // namespace
}  // namespace orrery::scenario
