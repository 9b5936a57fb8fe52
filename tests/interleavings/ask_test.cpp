// Ask and Attention: a block is freed exactly once, a handler that waits goes on exactly once.
#include "orrery/actor/attention.hpp"
#include "orrery/actor/mail_queue.hpp"
#include "orrery/core/spin_lock.hpp"
#include "tests/interleavings/checker/explore.hpp"

#include <gtest/gtest.h>

#include <mutex>

namespace orrery::interleave {
namespace {

struct Block {
  Ask ask;
  Plain<int> reply{0};
};

// The asker gives up or waits, and then takes the reply; whoever comes second frees the block (V2, V3).
TEST(Ask, its_block_is_freed_exactly_once_by_the_second_to_let_go) {
  expect_holds("ask", all(), [](Model& model) {
    Block& block = model.make<Block>("block");
    bool replied = false;
    bool late = false;
    model.thread("asker", [&] {
      const bool waits = model.choose(2) == 0;
      while (waits && block.ask.state.load(std::memory_order_seq_cst) == Ask::pending) spin_pause();
      if (block.ask.abandon()) return;
      model.require(block.reply == 7, "the reply is there");
      replied = true;
      model.destroy(block);
    });
    model.thread("replier", [&] {
      block.reply = 7;
      if (block.ask.settle()) return;
      late = true;
      model.destroy(block);
    });
    model.run();
    model.require(replied != late, "a reply is taken or late");
    model.require(model.alive() == 0, "the block was freed");
  });
}

/// A cell as run.cpp and send.cpp have it, with a handler that waits for an answer. Whoever has to schedule the cell runs
/// it at once, so that nothing but mailbox and attention orders one run after another.
struct Waiting {
  Model& model;
  MailQueue mailbox;
  Attention attention;
  Link bell;
  Link message;  ///< whose handler waits
  Link other;    ///< comes meanwhile
  Atomic<int> answer{0};
  Atomic<int> signal{0};
  // Touched by whoever runs the cell.
  Plain<bool> waits{true};
  Plain<int> resumed{0};
  Plain<int> signals{0};
  Plain<int> handled{0};

  void take_signal() {
    if (signal.exchange(0, std::memory_order_seq_cst) != 0) signals = signals + 1;
  }
  /// A turn of the cell.
  void run() {
    while (waits) {
      if (may_continue()) {
        waits = false;
        resumed = resumed + 1;
        if (finish(message)) return;
      } else if (attention.park()) {
        return;
      }
    }
    while (true) {
      if (signal.load(std::memory_order_seq_cst) != 0) take_signal();
      Link* const node = mailbox.first();
      if (node == nullptr) {
        if (signal.load(std::memory_order_seq_cst) == 0 && mailbox.go_idle()) return;
        continue;
      }
      if (node == &bell) {
        mailbox.remove(*node);
        attention.bell_taken();
        continue;
      }
      if (finish(*node)) return;
    }
  }
  /// Returns: whether the cell is idle, and somebody else's.
  bool finish(Link& node) {
    handled = handled + 1;
    return mailbox.finish(node);
  }
  bool may_continue() {
    if (signal.load(std::memory_order_seq_cst) != 0) take_signal();
    if (answer.load(std::memory_order_seq_cst) != 0) return true;
    attention.about_to_look();
    if (signal.load(std::memory_order_seq_cst) != 0) take_signal();
    return answer.load(std::memory_order_seq_cst) != 0;
  }

  void reply() {
    answer.store(1, std::memory_order_seq_cst);
    if (attention.wait_changed()) run();
  }
  void send() {
    if (mailbox.push(other)) run();
  }
  void stop() {
    signal.store(1, std::memory_order_seq_cst);
    switch (attention.signal_arrived()) {
      case Attention::Summons::none:
        return;
      case Attention::Summons::schedule:
        return run();
      case Attention::Summons::push_bell:
        if (mailbox.push(bell)) run();
    }
  }
};

struct With {
  bool mail = false;
  bool stop = false;
};

Body waiting(With with) {
  return [=](Model& model) {
    Waiting cell{model, {}, {}, {}, {}, {}};
    model.name(cell, "cell");
    model.name(cell.mailbox, "mailbox");
    model.name(cell.attention, "attention");
    model.name(cell.answer, "answer");
    model.name(cell.signal, "signal");
    model.name(cell.bell, "bell");
    model.require(cell.mailbox.push(cell.message), "it was idle");
    model.thread("waits", [&] { cell.run(); });
    model.thread("replies", [&] { cell.reply(); });
    if (with.mail) model.thread("sends", [&] { cell.send(); });
    if (with.stop) model.thread("stops", [&] { cell.stop(); });
    model.run();
    model.require(cell.resumed == 1, "the handler went on once");
    model.require(cell.signals == (with.stop ? 1 : 0), "the signal was taken");
    model.require(cell.handled == (with.mail ? 2 : 1), "all mail was handled");
    model.require(cell.mailbox.claim(), "the cell is idle");
  };
}

/// A cell whose mail lies beside its mailbox, under a lock; whoever has to schedule it runs it at once.
struct Beside {
  Model& model;
  MailQueue mailbox;
  Attention attention;
  Link bell;
  SpinLock lock;
  Plain<int> waiting{0};  // under the lock
  Plain<int> handled{0};

  void send() {
    {
      const std::lock_guard guard{lock};
      waiting = waiting + 1;
    }
    if (attention.mail_arrived() && mailbox.push(bell)) run();
  }
  bool take() {
    const std::lock_guard guard{lock};
    if (waiting == 0) return false;
    waiting = waiting - 1;
    return true;
  }
  void run() {
    while (true) {
      while (take()) handled = handled + 1;
      if (Link* const node = mailbox.first(); node != nullptr) {
        mailbox.remove(*node);
        attention.bell_taken();
      } else if (mailbox.go_idle()) {
        return;
      }
    }
  }
};

Body beside(int senders, int each) {
  return [=](Model& model) {
    Beside cell{model, {}, {}, {}, {}};
    model.name(cell.mailbox, "mailbox");
    model.name(cell.attention, "attention");
    model.name(cell.bell, "bell");
    model.name(cell.lock, "lock");
    constexpr const char* names[] = {"a", "b", "c"};
    for (int i = 0; i < senders; ++i) {
      model.thread(names[i], [&cell, each] {
        for (int n = 0; n < each; ++n) cell.send();
      });
    }
    model.run();
    model.require(cell.handled == senders * each, "all mail was handled");
    model.require(cell.mailbox.claim(), "the cell is idle");
  };
}

TEST(Attention, mail_beside_the_mailbox_is_never_left_there) {
  expect_holds("mail beside, 2 x 1", all(), beside(2, 1));
  expect_holds("mail beside, 2 x 2", preemptions(2, 1), beside(2, 2));
  expect_holds("mail beside, 3 x 1", preemptions(1, 1), beside(3, 1));
  expect_holds("mail beside, 3 x 2, random", random(20'000), beside(3, 2));
}

TEST(Attention, a_handler_that_waits_goes_on_once_and_nothing_that_came_is_missed) {
  expect_holds("waiting, a reply", all(), waiting({}));
  expect_holds("waiting, a reply and mail", all(), waiting({.mail = true}));
  expect_holds("waiting, a reply and a stop", all(), waiting({.stop = true}));
  expect_holds("waiting, all three", preemptions(2), waiting({.mail = true, .stop = true}));
  expect_holds("waiting, all three, random", random(20'000), waiting({.mail = true, .stop = true}), {.false_wakes = 1});
}

}  // namespace
}  // namespace orrery::interleave
