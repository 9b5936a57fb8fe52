// two_routes_test.cpp: a writer sends the article to the archive, and the editor's notice of it by way of the editor. The messages of
// one sender stay in order; those that come by two routes do not.
#include <gtest/gtest.h>

#include <orrery/test.hpp>

namespace {

struct Article {};
struct Notice {};
struct Write {};

struct Archive {
  int articles = 0;
  int notices_of_nothing = 0;
  void handle(Article) { ++articles; }
  void handle(Notice) {
    if (articles == 0) ++notices_of_nothing;
  }
};
struct Editor {
  orrery::Ref<Archive> archive;
  void handle(Article) {  // mended: by way of the editor, both of them
    (void)archive.tell(Article{});
    (void)archive.tell(Notice{});
  }
  void handle(Notice) { (void)archive.tell(Notice{}); }
};
struct WriterByTwoRoutes {
  orrery::Ref<Archive> archive;
  orrery::Ref<Editor> editor;
  void handle(Write) {
    (void)editor.tell(Notice{});
    (void)archive.tell(Article{});
  }
};
struct Writer {
  orrery::Ref<Archive> archive;
  orrery::Ref<Editor> editor;
  void handle(Write) { (void)editor.tell(Article{}); }
};

template <class WriterType>
void the_article_comes_first(orrery::sim::World& w) {
  const orrery::Ref<Archive> archive = w.spawn("archive", Archive{});
  const orrery::Ref<Editor> editor = w.spawn("editor", Editor{archive});
  const orrery::Ref<WriterType> writer = w.spawn("writer", WriterType{archive, editor});
  w.always("no notice of nothing", [&] { return w.peek(archive).notices_of_nothing == 0; });
  (void)writer.tell(Write{});
  w.run();
}

TEST(TwoRoutes, Wrong) { orrery::sim::check(the_article_comes_first<WriterByTwoRoutes>); }
TEST(TwoRoutes, Mended) { orrery::sim::check(the_article_comes_first<Writer>); }

}  // namespace
