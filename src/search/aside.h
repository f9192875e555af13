#pragma once
// A part of a search's work that another thread may do meanwhile. Who needs its end and finds that
// no thread has begun does it himself, so nobody waits for a thread that is busy with other things,
// and a pool whose threads all search cannot lock up.

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

namespace ac::search {

// Hands work to a thread of the caller's, at once; it may run much later, or never.
using Post = std::function<void(std::function<void()>)>;

class Aside final {
  public:
    // Without `post`, finish() does the work.
    Aside(const Post& post, std::function<void()> work);
    ~Aside();
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;

    // Returns when the work is done; throws what it threw.
    void finish();

  private:
    enum class Stage { waiting, running, done };
    struct State {
        std::function<void()> work;  // touched by who made it `running`
        std::mutex mutex;            // guards all below
        std::condition_variable ended;
        Stage stage = Stage::waiting;
        std::exception_ptr thrown;
    };
    // False: somebody else did or does it.
    static bool run(State& state);

    std::shared_ptr<State> state_;
};

}  // namespace ac::search
