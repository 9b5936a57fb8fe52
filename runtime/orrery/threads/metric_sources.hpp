// metric_sources.hpp: who takes part in a system's metrics.
// Why:  a broker, or the numbers of an application, may end before the system does, while a scrape asks for them.
#pragma once
#include "orrery/actor/metrics.hpp"

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace orrery {

class MetricSources {
  using Source = std::function<void(MetricList&)>;
  struct All {
    std::mutex mutex;
    std::list<Source> sources;
  };

 public:
  /// A source that takes part for as long as this lives, or the system, if that ends first.
  class [[nodiscard]] Part {
   public:
    Part() = default;
    Part(Part&& other) noexcept : all_{std::exchange(other.all_, nullptr)}, at_{other.at_} {}
    Part& operator=(Part&& other) noexcept {
      std::swap(all_, other.all_);
      std::swap(at_, other.at_);
      return *this;
    }
    /// Blocks: the thread, until a source that is being asked has answered. Not to be called by a source.
    ~Part() {
      if (all_ == nullptr) return;
      std::list<Source> gone;  // what a source holds is not destroyed under the lock
      const std::lock_guard guard{all_->mutex};
      gone.splice(gone.begin(), all_->sources, at_);
    }

   private:
    friend class MetricSources;
    Part(std::shared_ptr<All> all, std::list<Source>::iterator at) : all_{std::move(all)}, at_{at} {}
    std::shared_ptr<All> all_;
    std::list<Source>::iterator at_{};
  };

  /// Threads: any; not within a source.
  Part add(Source source) {
    const std::lock_guard guard{all_->mutex};
    return {all_, all_->sources.insert(all_->sources.end(), std::move(source))};
  }
  /// Asks all, one after the other.    Threads: any.
  void append_to(MetricList& list) const {
    const std::lock_guard guard{all_->mutex};
    for (const Source& source : all_->sources) source(list);
  }

 private:
  std::shared_ptr<All> all_ = std::make_shared<All>();
};

}  // namespace orrery
