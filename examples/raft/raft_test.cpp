// Goal:   whatever goes wrong, all servers carry out the same commands, and clients cannot tell them from one machine.
// Method: generated elections, crashes, disk failures and commands in a network that loses, delays and repeats messages, with the
//         checks of raft_referee.hpp after every step. ORRERY_RUNS=1000000 is the long form.
#include "raft_property.hpp"

namespace {

using raft::Command;
using raft::Entry;
using raft::History;

TEST(Raft, three_servers_are_one) {
  orrery::sim::check([](orrery::sim::World& w, const raft::Plan& plan) { raft::survives(w, 3, plan); },
                     raft::in_a_bad_network(2'000));
}

TEST(Raft, four_servers_are_one) {
  orrery::sim::check([](orrery::sim::World& w, const raft::Plan& plan) { raft::survives(w, 4, plan); },
                     raft::in_a_bad_network(1'000));
}

TEST(Raft, five_servers_are_one) {
  orrery::sim::check([](orrery::sim::World& w, const raft::Plan& plan) { raft::survives(w, 5, plan); },
                     raft::in_a_bad_network(500));
}

// What the history says of clients that were told something wrong; that of the property never says it.

Entry append(raft::ClientId client, raft::Sequence sequence, std::string value) {
  return {1, client, sequence, {Command::Kind::append, "x", std::move(value)}};
}
Entry get(raft::ClientId client, raft::Sequence sequence) {
  return {1, client, sequence, {Command::Kind::get, "x", {}}};
}

TEST(RaftHistory, a_write_that_was_acknowledged_is_in_the_log) {
  History history;
  history.invoked(1, 1, {});
  history.returned(1, 1, "a");
  EXPECT_EQ(history.find_fault({append(1, 1, "a")}), "");
  EXPECT_EQ(history.find_fault({append(2, 1, "a")}), "what a client was told is not in the log");
}

TEST(RaftHistory, a_read_gives_what_was_there) {
  History history;
  history.invoked(1, 1, {});
  history.returned(1, 1, "a");
  EXPECT_EQ(history.find_fault({append(2, 1, "a"), get(1, 1)}), "");
  EXPECT_EQ(history.find_fault({append(2, 1, "a"), append(2, 2, "b"), get(1, 1)}),
            "a client was told something else than what came of its command");
}

TEST(RaftHistory, a_read_that_begins_later_sees_what_was_acknowledged) {
  History history;
  history.invoked(2, 1, {});
  history.returned(2, 1, "a");
  history.invoked(1, 1, {});
  history.returned(1, 1, "");
  EXPECT_EQ(history.find_fault({get(1, 1), append(2, 1, "a")}),
            "a command came before another that had ended when it began");
}

TEST(RaftHistory, of_two_at_once_either_may_be_first) {
  History history;
  history.invoked(1, 1, {});
  history.invoked(2, 1, {});
  history.returned(2, 1, "a");
  history.returned(1, 1, "");
  EXPECT_EQ(history.find_fault({get(1, 1), append(2, 1, "a")}), "");
}

TEST(RaftSession, a_command_that_comes_again_is_carried_out_once) {
  raft::Machine machine;
  EXPECT_EQ(machine.apply(append(1, 1, "a")), "a");
  EXPECT_EQ(machine.apply(append(1, 2, "b")), "ab");
  EXPECT_EQ(machine.apply(append(1, 2, "b")), "ab");
  machine.apply(append(1, 1, "a"));  // an old one: its client has gone on
  EXPECT_EQ(machine.values["x"], "ab");
}

TEST(RaftHistory, what_no_single_table_could_have_said_is_illegal) {
  History history;
  history.invoked(1, 1, append(1, 1, "a").command);
  history.invoked(2, 1, get(2, 1).command);
  history.returned(2, 1, "");
  history.returned(1, 1, "a");
  EXPECT_EQ(history.find_illegal(), "") << "they overlapped";
  history.invoked(2, 2, get(2, 2).command);
  history.returned(2, 2, "");
  EXPECT_NE(history.find_illegal().find("first illegal operation"), std::string::npos) << "the write had ended";
}

}  // namespace
