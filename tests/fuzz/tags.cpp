// Any text is a path of tags, or of phases: charges under it are found under it, and add up.
#include "bytes.hpp"

#include <framealloc/framealloc.hpp>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace fa = framealloc;
using fuzz::wrong;

namespace {

// A name that begins or ends with a colon merges with the separator: no path leads to it.
bool has_path(const std::string& name) { return name.front() != ':' && name.back() != ':'; }

std::string joined(std::string at, const std::string& path, bool& found_again) {
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find("::", begin), path.size());
        if (end != begin) {
            const std::string name = path.substr(begin, end - begin);
            found_again = found_again && has_path(name);
            at += (at.empty() ? "" : "::") + name;
        }
        begin = end + 2;
    }
    return at;
}

bool below(const std::string& path, const std::string& ancestor) {
    return ancestor.empty() || path == ancestor || path.starts_with(ancestor + "::");
}

template <class P>
class speaker {
    struct scope {
        std::unique_ptr<fa::tag_scope> tag;
        std::unique_ptr<fa::phase_scope> phase;
        std::string tag_path, phase_path;
    };

public:
    void step(fuzz::bytes& in) {
        switch (in.byte() % 6) {
            case 0:
            case 1: return open(in.text(), in.byte() % 2 == 0);
            case 2: return close();
            case 3:
                if (alloc_.try_frame_alloc_bytes(16) != nullptr) frame_[current().tag_path] += 16;
                return;
            case 4: {
                auto* p = static_cast<unsigned char*>(alloc_.try_pool_alloc_bytes(64));
                if (p == nullptr) wrong("no memory");
                blocks_.emplace_back(p, current().tag_path);
                return;
            }
            default:
                if (blocks_.empty()) return;
                alloc_.pool_free_bytes(blocks_.back().first, 64);
                blocks_.pop_back();
        }
    }
    void finish() {
        std::map<std::string, std::size_t> pool;
        for (const auto& [p, tag] : blocks_) pool[tag] += 64;
        std::map<std::string, std::size_t> paths = frame_;
        for (const auto& [tag, n] : pool) paths[tag] += 0;
        for (const auto& [path, unused] : paths) {
            if (!found_again_) break;
            const fa::tag_stats s = alloc_.tag_stats(path);
            if (s.frame_bytes != frame_[path] || s.pool_bytes != pool[path]) wrong("bytes are charged to another tag");
            std::size_t all = 0;
            for (const auto& [p, n] : frame_) all += below(p, path) ? n : 0;
            for (const auto& [p, n] : pool) all += below(p, path) ? n : 0;
            if (s.with_children.total_bytes != all) wrong("bytes of children do not add up");
        }
        while (!scopes_.empty()) close();
        for (const auto& [p, tag] : blocks_) alloc_.pool_free_bytes(p, 64);
        alloc_.end_frame();
        if (alloc_.stats().total_allocated != 0) wrong("bytes are charged that nobody holds");
    }

private:
    scope current() const {
        return scopes_.empty() ? scope{} : scope{nullptr, nullptr, scopes_.back().tag_path, scopes_.back().phase_path};
    }
    void open(const std::string& path, bool tag) {
        if (scopes_.size() == 60) return;
        scope s = current();
        if (s.tag_path.size() > 4000) return;
        if (tag) {
            s.tag = std::make_unique<fa::tag_scope>(alloc_, path);
            s.tag_path = joined(s.tag_path, path, found_again_);
        } else {
            s.phase = std::make_unique<fa::phase_scope>(alloc_, path);
            s.phase_path = joined("", path, found_again_);
        }
        scopes_.push_back(std::move(s));
        look();
    }
    void close() {
        if (scopes_.empty()) return;
        scopes_.pop_back();
        look();
    }
    void look() {
        if (alloc_.tag_path() != current().tag_path) wrong("the tag has another path");
        if (alloc_.current_phase() != current().phase_path) wrong("the phase has another path");
    }

    struct quiet {
        void operator()(const fa::fault& f) const {
            fa::print_fault(f);
            wrong("a fault where there is no mistake");
        }
    } quiet_;
    fa::options options() {
        fa::options o{.name = "fuzz"};
        o.on_fault = quiet_;
        return o;
    }
    fa::basic_smart_alloc<P> alloc_{options()};
    const bool opened_ = (alloc_.begin_frame(), true);
    std::vector<scope> scopes_;
    bool found_again_ = true;
    std::map<std::string, std::size_t> frame_;
    std::vector<std::pair<unsigned char*, std::string>> blocks_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::bytes in(data, size);
    speaker<fa::policy::standard> s;
    for (int n = 0; n < 200 && in.more(); ++n) s.step(in);
    s.finish();
    return 0;
}
