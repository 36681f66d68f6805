// sqlite: 200,000 rows inserted, indexed, queried, changed, deleted and vacuumed, in memory.
#include "clients/client.hpp"

#include <sqlite3.h>

#include <string>

namespace clients {

namespace {

// sqlite's functions get no user pointer.
const fa::hook* memory = nullptr;

constexpr sqlite3_mem_methods on_hook = {
    [](int n) { return memory->allocate(static_cast<std::size_t>(n)); },
    [](void* p) { memory->deallocate(p); },
    [](void* p, int n) { return memory->reallocate(p, static_cast<std::size_t>(n)); },
    [](void* p) { return static_cast<int>(fa::usable_size(p)); },
    [](int n) { return static_cast<int>(memory->good_size(static_cast<std::size_t>(n))); },
    [](void*) { return SQLITE_OK; },
    [](void*) {},
    nullptr,
};

class database {
public:
    database() {
        if (sqlite3_open(":memory:", &db_) != SQLITE_OK) error_ = sqlite3_extended_errcode(db_);
    }
    database(const database&) = delete;
    database& operator=(const database&) = delete;
    ~database() { sqlite3_close(db_); }

    // All columns of all rows go into the digest.
    int run(const char* sql) {
        sqlite3_stmt* s = nullptr;
        int code = sqlite3_prepare_v2(db_, sql, -1, &s, nullptr);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(s);
            for (int i = 0; code == SQLITE_ROW && i < sqlite3_column_count(s); ++i) add(s, i);
        }
        sqlite3_finalize(s);
        if (code != SQLITE_DONE && error_ == SQLITE_OK) error_ = code;
        return code;
    }
    int insert(int rows, int largest_blob = 60) {
        sqlite3_stmt* s = nullptr;
        int code = sqlite3_prepare_v2(db_, "INSERT INTO things VALUES (?, ?, ?, ?)", -1, &s, nullptr);
        for (int i = 0; i < rows && (code == SQLITE_OK || code == SQLITE_DONE); ++i) {
            const std::string name = "thing number " + std::to_string(i * 7919LL % 200'003);
            sqlite3_bind_int(s, 1, i);
            sqlite3_bind_text(s, 2, name.data(), static_cast<int>(name.size()), SQLITE_TRANSIENT);
            sqlite3_bind_double(s, 3, i * 0.25);
            sqlite3_bind_zeroblob(s, 4, i % largest_blob);
            code = sqlite3_step(s);
            sqlite3_reset(s);
        }
        sqlite3_finalize(s);
        if (code != SQLITE_DONE && error_ == SQLITE_OK) error_ = code;
        return code;
    }
    digest result() const { return error_ == SQLITE_OK ? digest_ : 0; }

private:
    void add(sqlite3_stmt* s, int column) {
        const auto* text = sqlite3_column_text(s, column);
        for (const unsigned char* p = text; p != nullptr && *p != 0; ++p) digest_ = mix(digest_, *p);
    }

    sqlite3* db_ = nullptr;
    digest digest_ = 1;
    int error_ = SQLITE_OK;
};

digest run(unsigned tenths, const while_full& full) {
    database db;
    db.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, weight REAL, bytes BLOB)");
    db.run("BEGIN");
    db.insert(static_cast<int>(tenths) * 20'000);
    db.run("COMMIT");
    db.run("CREATE INDEX by_name ON things (name)");
    db.run("CREATE INDEX by_weight ON things (weight, length(bytes))");
    full(static_cast<std::size_t>(sqlite3_memory_used()));
    for (int i = 0; i < 2000; ++i) {
        db.run(("SELECT id, weight FROM things WHERE name = 'thing number " + std::to_string(i * 97) + "'").c_str());
    }
    db.run(
        "SELECT id % 100 AS part, count(*), sum(weight), group_concat(name) FROM things WHERE id < 20000 GROUP BY part "
        "ORDER BY 3 DESC");
    db.run(
        "SELECT a.name, b.name FROM things a JOIN things b ON b.id = a.id * 2 WHERE a.name LIKE '%77%' ORDER BY a.name "
        "LIMIT 2000");
    db.run("UPDATE things SET name = name || ' again', weight = weight / 3 WHERE id % 5 = 0");
    db.run("DELETE FROM things WHERE id % 3 = 1");
    db.run("VACUUM");
    db.run("PRAGMA integrity_check");
    db.run("SELECT count(*), sum(id), total(weight), max(name) FROM things");
    return db.result();
}

// A hook, or sqlite's own memory, from here to the end of the block.
struct configured {
    explicit configured(const fa::hook* h) {
        static const sqlite3_mem_methods own = [] {
            sqlite3_mem_methods m;
            sqlite3_config(SQLITE_CONFIG_GETMALLOC, &m);
            return m;
        }();
        memory = h;
        sqlite3_config(SQLITE_CONFIG_MALLOC, h == nullptr ? &own : &on_hook);
        sqlite3_initialize();
    }
    configured(const configured&) = delete;
    configured& operator=(const configured&) = delete;
    ~configured() { sqlite3_shutdown(); }
};

bool says_exhausted(const fa::hook& hook) {
    const configured c(&hook);
    bool told = false;
    {
        database db;
        db.run("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, weight REAL, bytes BLOB)");
        told = db.insert(2'000'000, 4000) == SQLITE_NOMEM;
    }
    database again;
    return told && again.run("SELECT 1") == SQLITE_DONE;
}

}  // namespace

const client sqlite{"sqlite",
                    [](unsigned tenths) {
                        const configured c(nullptr);
                        return run(tenths, [](std::size_t) {});
                    },
                    [](const fa::hook& h, unsigned tenths, const while_full& full) {
                        const configured c(&h);
                        return run(tenths, full);
                    },
                    says_exhausted};

}  // namespace clients
