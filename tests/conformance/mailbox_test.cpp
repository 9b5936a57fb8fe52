// Goal:   code that is no actor receives what actors send, in order and with a deadline, in both worlds.
// Method: one body for the simulated world, under many seeds, and for threads, where main blocks.
#include <gtest/gtest.h>

#include <orrery/sim/run.hpp>
#include <orrery/system.hpp>
#include <chrono>
#include <string>
#include <variant>

namespace {

using namespace orrery;
using namespace std::chrono_literals;

struct Word {
  std::string text;
};
struct End {};
struct Go {};

struct Teller {
  Recipient<Word, End> to;
  void handle(Go, Context& context) {
    to.tell(Word{"one"});
    to.tell(Word{"two"});
    context.sleep(5ms);
    to.tell(End{});
  }
};

std::string text_of(const std::variant<Word, End>& mail) {
  return std::holds_alternative<Word>(mail) ? std::get<Word>(mail).text : "end";
}

std::string receive_all(Runtime& runtime) {
  Mailbox<Word, End> mailbox{runtime};
  runtime.spawn(Teller{mailbox.ref()}).tell(Go{});
  std::string heard;
  while (!heard.ends_with("end ")) heard += text_of(mailbox.recv()) + " ";
  heard += mailbox.try_recv() ? "more" : "nothing";
  heard += mailbox.recv_for(1ms) ? " late" : " timeout";
  return heard;
}

/// An actor that receives in the middle of a handler.
struct Listener {
  Mailbox<Word, End>* mailbox;
  struct Hear {
    using Reply = std::string;
  };
  std::string handle(Hear) { return text_of(mailbox->recv()); }
};

std::string listen(Runtime& runtime) {
  Mailbox<Word, End> mailbox{runtime};
  const auto listener = runtime.spawn(Listener{&mailbox});
  auto heard = listener.ask_async(Listener::Hear{}, no_timeout);
  mailbox.ref().tell(Word{"hello"});
  return heard.get().value_or("?");
}

constexpr std::string_view all_heard = "one two end nothing timeout";

TEST(Mailbox, receives_in_order_and_times_out_in_the_simulated_world) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::string heard;
    std::string listened;
    const auto run = sim::execute(
        [&](sim::World& world) {
          heard = receive_all(world);
          listened = listen(world);
        },
        [&] { return std::make_unique<sim::RandomWalk>(seed); }, {});
    ASSERT_FALSE(run.finding) << run.finding->name << " " << run.finding->detail;
    ASSERT_EQ(heard, all_heard) << "seed " << seed;
    ASSERT_EQ(listened, "hello") << "seed " << seed;
  }
}

TEST(Mailbox, receives_in_order_and_times_out_on_threads) {
  System system{{.threads = 4}};
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(receive_all(system), all_heard);
    ASSERT_EQ(listen(system), "hello");
  }
}

TEST(Mailbox, refuses_mail_after_its_end) {
  System system{{.threads = 2}};
  Recipient<Word, End> to;
  {
    Mailbox<Word, End> mailbox{system};
    to = mailbox.ref();
    ASSERT_TRUE(to.tell(End{}));
  }
  ASSERT_TRUE(system.await_quiescence(10s));
  EXPECT_EQ(to.tell(End{}), std::unexpected(TellError::actor_stopped));
}

TEST(Mailbox, that_nobody_writes_to_leaves_the_receiver_stuck_and_says_so) {
  const auto run = sim::execute(
      [](sim::World& world) {
        Mailbox<End> mailbox{world};
        (void)mailbox.recv();
      },
      [] { return std::make_unique<sim::Calm>(); }, {});
  ASSERT_TRUE(run.finding);
  EXPECT_EQ(run.finding->kind, sim::FindingKind::stuck);
  EXPECT_NE(run.finding->name.find("waits for mail"), std::string::npos) << run.finding->name;
}

}  // namespace
