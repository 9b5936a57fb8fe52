#include "orrery/core/block_pool.hpp"

#include "tests/support/scale.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

namespace orrery {
namespace {

using test_support::Random;
using test_support::scaled;

/// A block filled with a byte that depends on its number, so that overlapping blocks show.
struct Filled {
  void* block;
  std::size_t bytes;
  unsigned char fill;

  void write() const { std::memset(block, fill, bytes); }
  [[nodiscard]] bool is_intact() const {
    const auto* at = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) {
      if (at[i] != fill) return false;
    }
    return true;
  }
};

bool is_aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

TEST(BlockPool, gives_every_size_aligned_memory_that_overlaps_no_other) {
  BlockPool& pool = BlockPool::local();
  std::vector<Filled> live;
  for (std::size_t bytes = 1; bytes <= BlockPool::pooled_bytes_max + 64; ++bytes) {
    live.push_back({pool.allocate(bytes), bytes, static_cast<unsigned char>(bytes * 7)});
    ASSERT_TRUE(is_aligned(live.back().block, BlockPool::block_alignment)) << bytes;
    live.back().write();
  }
  for (const Filled& filled : live) {
    EXPECT_TRUE(filled.is_intact()) << filled.bytes;
    BlockPool::release(pool, filled.block, filled.bytes);
  }
}

TEST(BlockPool, gives_zero_bytes_a_block_of_its_own) {
  void* first = allocate_block(0);
  void* second = allocate_block(0);
  EXPECT_NE(first, second);
  BlockPool::release(first, 0);
  BlockPool::release(second, 0);
}

TEST(BlockPool, serves_alignments_beyond_its_own) {
  BlockPool& pool = BlockPool::local();
  const std::uint64_t before = BlockPool::live_blocks();
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    void* block = pool.allocate(100, alignment);
    EXPECT_TRUE(is_aligned(block, alignment)) << alignment;
    std::memset(block, 0x5a, 100);
    EXPECT_EQ(BlockPool::live_blocks(), before + 1);
    BlockPool::release(block, 100, alignment);
  }
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

TEST(BlockPool, counts_live_blocks_of_all_threads) {
  const std::uint64_t before = BlockPool::live_blocks();
  std::vector<Filled> kept;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < 100; ++i) {
          const std::size_t bytes = 10 + i * 15;  // some beyond pooled_bytes_max
          void* block = allocate_block(bytes);
          const std::scoped_lock lock(mutex);
          kept.push_back({block, bytes, 0});
        }
      });
    }
  }
  EXPECT_EQ(BlockPool::live_blocks(), before + 300);
  for (const Filled& filled : kept) BlockPool::release(filled.block, filled.bytes);
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

// Goal:   a stream of blocks from a producer to a consumer stays intact, and nothing is leaked.
TEST(BlockPool, survives_a_producer_and_a_consumer) {
  const std::uint64_t before = BlockPool::live_blocks();
  const int total = scaled(400'000);
  constexpr std::size_t ring_size = 1024;
  std::array<std::atomic<std::uint64_t*>, ring_size> ring{};
  bool intact = true;
  {
    std::jthread consumer([&] {
      for (int i = 0; i < total; ++i) {
        auto& place = ring[static_cast<std::size_t>(i) % ring_size];
        std::uint64_t* block = nullptr;
        while ((block = place.exchange(nullptr, std::memory_order_acquire)) == nullptr) std::this_thread::yield();
        intact = intact && block[0] == static_cast<std::uint64_t>(i) && block[7] == ~block[0];
        BlockPool::release(block, 64);
      }
    });
    for (int i = 0; i < total; ++i) {
      auto* block = static_cast<std::uint64_t*>(allocate_block(64));
      block[0] = static_cast<std::uint64_t>(i);
      block[7] = ~block[0];
      auto& place = ring[static_cast<std::size_t>(i) % ring_size];
      while (place.load(std::memory_order_relaxed) != nullptr) std::this_thread::yield();
      place.store(block, std::memory_order_release);
    }
  }
  EXPECT_TRUE(intact);
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

// Goal:   four threads that allocate, hand over and release at random never share a block, and nothing is
//         leaked.
// Method: each block is filled with its own byte and checked before release; many go to another thread's
//         inbox.
TEST(BlockPool, survives_a_million_random_operations_on_four_threads) {
  const std::uint64_t before = BlockPool::live_blocks();
  const int operations = scaled(1'000'000) / 4;
  struct Inbox {
    std::mutex mutex;
    std::deque<Filled> blocks;
  };
  std::array<Inbox, 4> inboxes;
  std::atomic<int> broken{0};
  const auto check_and_release = [&](const Filled& filled) {
    if (!filled.is_intact()) broken.fetch_add(1, std::memory_order_relaxed);
    BlockPool::release(filled.block, filled.bytes);
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t self = 0; self < 4; ++self) {
      threads.emplace_back([&, self] {
        Random random(0x0b5e55ed + self);
        std::vector<Filled> mine;
        for (int i = 0; i < operations; ++i) {
          const std::uint64_t what = random.below(4);
          if (what < 2) {
            const std::size_t bytes = 1 + random.below(random.below(8) == 0 ? 1200 : 200);
            mine.push_back({allocate_block(bytes), bytes, static_cast<unsigned char>(random.below(256))});
            mine.back().write();
          } else if (what == 2 && !mine.empty()) {
            std::swap(mine[random.below(mine.size())], mine.back());
            Inbox& inbox = inboxes[random.below(4)];
            const std::scoped_lock lock(inbox.mutex);
            inbox.blocks.push_back(mine.back());
            mine.pop_back();
          } else {
            std::deque<Filled> arrived;
            {
              const std::scoped_lock lock(inboxes[self].mutex);
              arrived.swap(inboxes[self].blocks);
            }
            for (const Filled& filled : arrived) check_and_release(filled);
            if (!mine.empty()) {
              check_and_release(mine.back());
              mine.pop_back();
            }
          }
        }
        for (const Filled& filled : mine) check_and_release(filled);
      });
    }
  }
  for (Inbox& inbox : inboxes) {
    for (const Filled& filled : inbox.blocks) check_and_release(filled);
  }
  EXPECT_EQ(broken.load(), 0);
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

// Goal:   a thread's blocks outlive it, and its pool serves a later thread.
TEST(BlockPool, is_adopted_by_a_later_thread) {
  BlockPool::trim();  // else free blocks of earlier tests could hide the one that comes back
  BlockPool* abandoned = nullptr;
  void* survivor = nullptr;
  std::thread([&] {
    abandoned = &BlockPool::local();
    survivor = abandoned->allocate(512);
    std::memset(survivor, 0x77, 512);
  }).join();
  const Filled filled{survivor, 512, 0x77};
  EXPECT_TRUE(filled.is_intact());
  BlockPool::release(survivor, 512);  // into a pool without a thread

  BlockPool* adopted = nullptr;
  bool got_survivor = false;
  std::thread([&] {
    adopted = &BlockPool::local();
    std::vector<void*> blocks;
    for (int i = 0; i < 130; ++i) {  // more than a slab's worth, so what was released remotely must come up
      blocks.push_back(adopted->allocate(512));
      got_survivor = got_survivor || blocks.back() == survivor;
    }
    for (void* block : blocks) BlockPool::release(*adopted, block, 512);
  }).join();
  EXPECT_EQ(adopted, abandoned);
  if (BlockPool::uses_slabs) {
    EXPECT_TRUE(got_survivor);
  }
}

TEST(BlockPool, is_abandoned_even_if_used_by_the_last_destructors_of_its_thread) {
  struct ReleasesLate {
    void* block = nullptr;
    ~ReleasesLate() { BlockPool::release(block, 64); }
  };
  const std::uint64_t before = BlockPool::live_blocks();
  std::set<BlockPool*> pools;
  for (int i = 0; i < 10; ++i) {
    std::thread([&] {
      thread_local ReleasesLate late;  // destroyed at thread exit, possibly after the pool's own bookkeeping
      late.block = allocate_block(64);
      pools.insert(&BlockPool::local());
    }).join();
  }
  EXPECT_EQ(pools.size(), 1U);
  EXPECT_EQ(BlockPool::live_blocks(), before);
}

// Goal:   a thread that still uses its pool after it was abandoned holds a pool again, and holds it alone.
// Method: a pthread key made later than the pool's own is cleared later, so its destructor runs in that
//         state.
TEST(BlockPool, is_held_again_by_a_thread_that_needs_it_at_its_very_end) {
  (void)BlockPool::local();
  struct Pools {
    BlockPool* at_end = nullptr;
    BlockPool* of_another = nullptr;
  } pools;
  pthread_key_t key{};
  ASSERT_EQ(::pthread_key_create(&key,
                                 [](void* argument) {
                                   auto& seen = *static_cast<Pools*>(argument);
                                   seen.at_end = &BlockPool::local();
                                   std::thread([&] { seen.of_another = &BlockPool::local(); }).join();
                                 }),
            0);
  BlockPool* before_end = nullptr;
  std::thread([&] {
    before_end = &BlockPool::local();
    ASSERT_EQ(::pthread_setspecific(key, &pools), 0);
  }).join();
  EXPECT_EQ(pools.at_end, before_end);
  EXPECT_NE(pools.of_another, nullptr);
  EXPECT_NE(pools.of_another, pools.at_end);
  ASSERT_EQ(::pthread_key_delete(key), 0);
  // At the end of the end both pools were abandoned: the next two threads need no new one.
  std::set<BlockPool*> reused;
  std::thread([&] {
    reused.insert(&BlockPool::local());
    std::thread([&] { reused.insert(&BlockPool::local()); }).join();
  }).join();
  EXPECT_EQ(reused, (std::set{pools.at_end, pools.of_another}));
}

// About slabs. Under ASan and TSan there are none, and those tools check each block themselves.
#if ORRERY_BLOCK_POOL_SLABS

TEST(BlockPool, gives_a_released_block_out_again) {
  void* first = allocate_block(200);
  BlockPool::release(first, 200);
  void* second = allocate_block(256);  // of the same class
  EXPECT_EQ(first, second);
  BlockPool::release(second, 256);
}

// Goal:   blocks that another thread releases come back to the thread that allocates, which then needs no
//         more memory.
// Method: rounds of 100 blocks, released on a thread that is joined before the next round.
TEST(BlockPool, returns_remotely_released_blocks_to_their_owner) {
  BlockPool::trim();  // so that no free block of earlier tests is left
  std::set<void*> seen;
  for (int round = 0; round < 50; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) {
      blocks.push_back(allocate_block(384));
      seen.insert(blocks.back());
    }
    std::thread([&] {
      for (void* block : blocks) BlockPool::release(block, 384);
    }).join();
  }
  EXPECT_LE(seen.size(), 110U);  // 100, and what the last of the first round's cuts gave too many
}

TEST(BlockPool, trim_gives_back_only_slabs_without_live_blocks) {
  std::thread([] {
    BlockPool::trim();  // what earlier tests left
    constexpr std::size_t bytes = 1024;
    constexpr std::size_t per_slab = 64;
    std::vector<Filled> live;
    for (std::size_t i = 0; i < per_slab * 10; ++i) {
      live.push_back({allocate_block(bytes), bytes, static_cast<unsigned char>(i)});
      live.back().write();
    }
    EXPECT_EQ(BlockPool::trim(), 0U);

    // One block of every slab but the first two stays.
    std::vector<Filled> kept;
    for (std::size_t i = 0; i < live.size(); ++i) {
      if (i >= per_slab * 2 && i % per_slab == 5) {
        kept.push_back(live[i]);
      } else {
        BlockPool::release(live[i].block, bytes);
      }
    }
    EXPECT_EQ(BlockPool::trim(), 2 * BlockPool::slab_bytes);
    EXPECT_EQ(BlockPool::trim(), 0U);

    // The other slabs' free blocks are still there, and new slabs are as good as before.
    std::vector<Filled> more;
    for (std::size_t i = 0; i < per_slab * 10; ++i) {
      more.push_back({allocate_block(bytes), bytes, static_cast<unsigned char>(i * 3)});
      more.back().write();
    }
    for (const Filled& filled : kept) EXPECT_TRUE(filled.is_intact());
    for (const Filled& filled : more) EXPECT_TRUE(filled.is_intact());
    for (const Filled& filled : kept) BlockPool::release(filled.block, bytes);
    for (const Filled& filled : more) BlockPool::release(filled.block, bytes);
    EXPECT_GE(BlockPool::trim(), 10 * BlockPool::slab_bytes);
  }).join();
}

TEST(BlockPool, trim_reaches_abandoned_pools_and_slabs_that_are_partly_uncut) {
  BlockPool::trim();
  void* block = nullptr;
  std::thread([&] { block = allocate_block(96); }).join();
  EXPECT_EQ(BlockPool::trim(), 0U);
  BlockPool::release(block, 96);
  EXPECT_EQ(BlockPool::trim(), BlockPool::slab_bytes);
}

// Goal:   not one of many blocks that several threads release at once is lost on its way to the owner.
// Method: the counters would not notice, so trim() is the witness: it gives back a slab only if all its
//         blocks are in.
TEST(BlockPool, gets_back_every_block_that_threads_release_at_once) {
  constexpr std::size_t per_slab = 512;
  constexpr std::size_t slabs = 60;  // so few that those who release do not purge them themselves
  static_assert(slabs < BlockPool::uncollected_slabs_max);
  BlockPool::trim();
  for (int round = 0; round < scaled(20); ++round) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < per_slab * slabs; ++i) blocks.push_back(allocate_block(128));
    {
      std::atomic<int> missing{3};  // else the first may be done before the last has started
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
          missing.fetch_sub(1);
          while (missing.load() > 0) {
          }
          for (std::size_t i = t; i < blocks.size(); i += 3) BlockPool::release(blocks[i], 128);
        });
      }
    }
    ASSERT_EQ(BlockPool::trim(), slabs * BlockPool::slab_bytes);
  }
}

// ---- memory goes back to the system ----

constexpr std::size_t burst_bytes = 64 * 1024 * 1024;
constexpr std::size_t burst_block = 96;

std::vector<void*> burst() {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < burst_bytes / burst_block; ++i) {
    blocks.push_back(allocate_block(burst_block));
    std::memset(blocks.back(), 0x3c, burst_block);
  }
  return blocks;
}

/// What may stay after a burst, of one pool: what the store, the pool's owner and those who release keep.
constexpr std::size_t kept_bytes =
    (SlabStore::warm_max + BlockPool::kept_slabs_max + BlockPool::uncollected_slabs_max + 2) * BlockPool::slab_bytes;

TEST(BlockPool, a_burst_goes_back_to_the_system_without_being_asked_for) {
  BlockPool::trim();
  const std::size_t before = BlockPool::slab_bytes_in_memory();
  for (int round = 0; round < 3; ++round) {
    const auto blocks = burst();
    EXPECT_GE(BlockPool::slab_bytes_in_memory(), before + burst_bytes);
    for (void* block : blocks) BlockPool::release(block, burst_block);
    EXPECT_LE(BlockPool::slab_bytes_in_memory(), before + kept_bytes) << round;
  }
  BlockPool::trim();
  EXPECT_LE(BlockPool::slab_bytes_in_memory(), before);
}

// Goal:   the same when the owner neither allocates nor releases any more, but does something else.
TEST(BlockPool, a_burst_that_another_thread_releases_goes_back_while_its_owner_is_busy) {
  BlockPool::trim();
  const std::size_t before = BlockPool::slab_bytes_in_memory();
  for (int round = 0; round < 3; ++round) {
    const auto blocks = burst();
    std::thread([&] {
      for (void* block : blocks) BlockPool::release(block, burst_block);
    }).join();
    EXPECT_LE(BlockPool::slab_bytes_in_memory(), before + kept_bytes) << round;
  }
}

// Goal:   the same when every slab is released half by its owner and half by somebody else, and the owner sleeps.
TEST(BlockPool, a_burst_released_by_two_threads_goes_back_while_its_owner_rests) {
  BlockPool::trim();
  const std::size_t before = BlockPool::slab_bytes_in_memory();
  for (int round = 0; round < 3; ++round) {
    const auto blocks = burst();
    for (std::size_t i = 0; i < blocks.size(); i += 2) BlockPool::release(blocks[i], burst_block);
    const BlockPool::Rest rest;
    std::thread([&] {
      for (std::size_t i = 1; i < blocks.size(); i += 2) BlockPool::release(blocks[i], burst_block);
    }).join();
    EXPECT_LE(BlockPool::slab_bytes_in_memory(), before + kept_bytes) << round;
  }
}

TEST(BlockPool, a_burst_of_a_thread_that_has_ended_goes_back) {
  BlockPool::trim();
  const std::size_t before = BlockPool::slab_bytes_in_memory();
  std::vector<void*> blocks;
  std::thread([&] {
    blocks = burst();
    for (std::size_t i = 0; i < blocks.size(); i += 3) BlockPool::release(blocks[i], burst_block);
  }).join();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 3 != 0) BlockPool::release(blocks[i], burst_block);
  }
  EXPECT_LE(BlockPool::slab_bytes_in_memory(), before + kept_bytes);
}

// Goal:   what ordinary work takes and releases again and again stays where it is.
TEST(BlockPool, ups_and_downs_of_ordinary_work_never_reach_the_store) {
  std::vector<void*> blocks(4'000);
  std::size_t after_first = 0;
  for (int round = 0; round < 20; ++round) {
    for (void*& block : blocks) block = allocate_block(burst_block);
    if (round == 0) after_first = BlockPool::slab_bytes_in_memory();
    for (void* block : blocks) BlockPool::release(block, burst_block);
    EXPECT_EQ(BlockPool::slab_bytes_in_memory(), after_first);
  }
}

// Goal:   slabs that are purged in place, while their owner takes blocks from others, are as good as new.
// Method: a producer far ahead of two consumers, so that whole slabs come back while it goes on; every block is
//         checked. The producer rests now and then.
TEST(BlockPool, blocks_stay_intact_while_slabs_are_purged_and_collected) {
  const std::uint64_t live_before = BlockPool::live_blocks();
  constexpr std::size_t batch = 100'000;
  std::atomic<int> broken{0};
  for (int round = 0; round < scaled(20); ++round) {
    std::vector<std::uint64_t*> blocks(batch);
    std::atomic<std::size_t> ready{0};
    std::vector<std::jthread> consumers;
    for (std::size_t c = 0; c < 2; ++c) {
      consumers.emplace_back([&, c] {
        for (std::size_t i = c * batch / 2; i < (c + 1) * batch / 2; ++i) {
          while (ready.load(std::memory_order_acquire) <= i) std::this_thread::yield();
          if (blocks[i][0] != i || blocks[i][11] != ~i) broken.fetch_add(1);
          BlockPool::release(blocks[i], burst_block);
        }
      });
    }
    for (std::size_t i = 0; i < batch; ++i) {
      blocks[i] = static_cast<std::uint64_t*>(allocate_block(burst_block));
      blocks[i][0] = i;
      blocks[i][11] = ~i;
      if (i % 25'000 == 24'999) {
        ready.store(i + 1, std::memory_order_release);
        const BlockPool::Rest rest;
        std::this_thread::yield();
      }
    }
    ready.store(batch, std::memory_order_release);
  }
  EXPECT_EQ(broken.load(), 0);
  EXPECT_EQ(BlockPool::live_blocks(), live_before);
}

TEST(BlockPoolDeathTest, catches_misuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        void* block = allocate_block(64);
        BlockPool::release(block, 64);
        BlockPool::release(block, 64);
      },
      "released twice");
  EXPECT_DEATH(
      {
        void* block = allocate_block(64);
        std::thread([&] { BlockPool::release(block, 64); }).join();
        BlockPool::release(block, 64);
      },
      "released twice");
  EXPECT_DEATH(BlockPool::release(allocate_block(64), 128), "not its size");
  EXPECT_DEATH(
      {
        BlockPool& other = BlockPool::local();
        std::thread([&] { (void)other.allocate(64); }).join();
      },
      "does not own it");
}

// Goal:   a payload that leaves its bytes alone is not taken for a released block.
TEST(BlockPool, takes_back_a_block_that_was_never_written) {
  for (int i = 0; i < 3; ++i) BlockPool::release(allocate_block(64), 64);
  struct Untouched {
    Untouched() {}  // NOLINT: leaves `bytes` as they are
    std::array<unsigned char, 64> bytes;
  };
  for (int i = 0; i < 3; ++i) {
    auto* untouched = ::new (allocate_block(sizeof(Untouched))) Untouched;
    untouched->~Untouched();
    BlockPool::release(untouched, sizeof(Untouched));
  }
}

#endif  // ORRERY_BLOCK_POOL_SLABS

}  // namespace
}  // namespace orrery
