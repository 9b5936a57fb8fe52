// shared_text.hpp: a text that shares its beginning with the text it was made from.
// Why:  a search keeps a state for every point of a history. When clients append to one value ten thousand times, whole
//       copies of it are hundreds of megabytes; the pieces that were appended are the size of the history.
// How:  a chain of pieces, the last one first. Each knows the length and the hash of all that ends with it; the hash goes
//       over bytes, so it does not depend on where the pieces begin.
#pragma once
#include "orrery/core/hash.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace orrery::testkit::detail {

class SharedText {
 public:
  SharedText() = default;
  explicit SharedText(std::string_view text) { append(text); }
  SharedText(const SharedText&) = default;
  SharedText(SharedText&&) = default;
  SharedText& operator=(const SharedText& other) {
    SharedText copy{other};
    std::swap(last_, copy.last_);
    return *this;
  }
  SharedText& operator=(SharedText&& other) noexcept {
    std::swap(last_, other.last_);
    return *this;
  }
  ~SharedText() {
    // One after the other: pieces that end each other would take a stack as deep as the chain is long.
    while (last_ != nullptr && last_.use_count() == 1) last_ = std::exchange(last_->before, nullptr);
  }

  /// Cost: O(text).
  void append(std::string_view text) {
    if (text.empty()) return;
    TextHasher hasher = last_ == nullptr ? TextHasher{} : last_->hasher;
    hasher.add(text);
    const std::size_t before = size();
    last_ = std::make_shared<Piece>(std::move(last_), std::string{text}, before + text.size(), hasher);
  }
  [[nodiscard]] std::size_t size() const { return last_ == nullptr ? 0 : last_->size; }
  [[nodiscard]] std::uint64_t hash() const { return last_ == nullptr ? 0 : last_->hasher.value(); }
  /// Returns: what the last piece takes; the others belong to the texts that they were appended to.
  [[nodiscard]] std::size_t bytes() const {
    return last_ == nullptr ? 0 : sizeof(Piece) + 2 * sizeof(void*) + last_->text.capacity();
  }
  [[nodiscard]] std::string text() const {
    std::string whole(size(), '\0');
    std::size_t end = whole.size();
    for (const Piece* piece = last_.get(); piece != nullptr; piece = piece->before.get()) {
      end -= piece->text.size();
      whole.replace(end, piece->text.size(), piece->text);
    }
    return whole;
  }

  /// Returns: whether `whole` begins with this text.
  [[nodiscard]] bool is_prefix_of(std::string_view whole) const {
    if (size() > whole.size()) return false;
    whole = whole.substr(0, size());
    for (const Piece* piece = last_.get(); piece != nullptr; piece = piece->before.get()) {
      if (!whole.ends_with(piece->text)) return false;
      whole.remove_suffix(piece->text.size());
    }
    return true;
  }
  friend bool operator==(const SharedText& text, std::string_view other) {
    return text.size() == other.size() && text.is_prefix_of(other);
  }
  friend bool operator==(const SharedText& a, const SharedText& b) {
    if (a.last_ == b.last_) return true;
    if (a.size() != b.size() || a.hash() != b.hash()) return false;
    const Piece* left = a.last_.get();
    const Piece* right = b.last_.get();
    std::size_t left_end = left->text.size();
    std::size_t right_end = right->text.size();
    while (left != right || left_end != right_end) {  // until the rest is the same, or nothing
      if (left->text[left_end - 1] != right->text[right_end - 1]) return false;
      step_back(left, left_end);
      step_back(right, right_end);
    }
    return true;
  }
  friend std::string orrery_describe(const SharedText& text) {
    const std::string whole = text.text();
    return whole.size() <= 60 ? '"' + whole + '"' : "\"..." + whole.substr(whole.size() - 50) + '"';
  }

 private:
  struct Piece {
    std::shared_ptr<Piece> before;
    std::string text;
    std::size_t size;
    TextHasher hasher;
    Piece(std::shared_ptr<Piece> chain, std::string piece, std::size_t size_of_all, TextHasher hasher_of_all)
        : before{std::move(chain)}, text{std::move(piece)}, size{size_of_all}, hasher{hasher_of_all} {}
  };
  static void step_back(const Piece*& piece, std::size_t& end) {
    if (--end != 0) return;
    piece = piece->before.get();
    end = piece == nullptr ? 0 : piece->text.size();
  }

  std::shared_ptr<Piece> last_;
};

}  // namespace orrery::testkit::detail
