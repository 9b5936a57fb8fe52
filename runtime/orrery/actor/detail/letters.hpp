// letters.hpp: what the parts of DeadLetters share.
#pragma once
#include "orrery/actor/detail/letter_queue.hpp"

#include <vector>

namespace orrery {

/// A letter that somebody looks at, and where it lies.
struct DeadLetters::Found {
  DeadLetter letter{};
  const MessageInfo* message = nullptr;
  const ActorTag* target_type = nullptr;
  bool is_assured = false;
  detail::LetterQueue* queue = nullptr;
  std::size_t rank = 0;  ///< of the queue among all
  std::uint64_t number = 0;

  [[nodiscard]] static Found of(const detail::LetterRecord& record);
};

/// All queues at a standstill, cut to what they may hold together.
class DeadLetters::AllLocked {
 public:
  explicit AllLocked(const DeadLetters& letters);
  AllLocked(const AllLocked&) = delete;
  AllLocked& operator=(const AllLocked&) = delete;
  ~AllLocked();
  [[nodiscard]] std::size_t size() const noexcept;

  const std::vector<detail::LetterQueue*> all;  ///< always in the same order, so that two who lock them all do not meet

 private:
  void trim(const DeadLetterOptions& options);
};

}  // namespace orrery
