// SPDX-License-Identifier: MIT
// An SQLite file system whose power can be cut: beside each file lies what would be left of it,
// which grows only when SQLite asks for the file, or its folder, to be written out.
#pragma once

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <sqlite3.h>
#include <string>

namespace kvmig::test {

/// SQLite's default file system while an object lives; one at a time.
class power_cut {
public:
    explicit power_cut(std::filesystem::path survivors) : survivors_(std::move(survivors)) {
        std::filesystem::create_directories(survivors_);
        current_ = this;
        below_ = sqlite3_vfs_find(nullptr);
        vfs_ = *below_;
        vfs_.zName = "power-cut";
        vfs_.pNext = nullptr;
        vfs_.szOsFile = static_cast<int>(sizeof(file)) + below_->szOsFile;
        vfs_.xOpen = &open;
        vfs_.xDelete = &remove;
        methods_ = {};
        methods_.iVersion = 1;
        methods_.xClose = [](sqlite3_file *f) {
            const int code = under(f)->pMethods->xClose(under(f));
            reinterpret_cast<file *>(f)->name.~basic_string();
            return code;
        };
        methods_.xRead = [](sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
            return under(f)->pMethods->xRead(under(f), to, n, at);
        };
        methods_.xWrite = [](sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
            return under(f)->pMethods->xWrite(under(f), from, n, at);
        };
        methods_.xTruncate = [](sqlite3_file *f, sqlite3_int64 n) {
            return under(f)->pMethods->xTruncate(under(f), n);
        };
        methods_.xSync = [](sqlite3_file *f, int flags) {
            const int code = under(f)->pMethods->xSync(under(f), flags);
            const std::string &name = reinterpret_cast<file *>(f)->name;
            std::filesystem::copy_file(name, current_->survivor(name),
                                       std::filesystem::copy_options::overwrite_existing);
            ++current_->syncs_;
            return code;
        };
        methods_.xFileSize = [](sqlite3_file *f, sqlite3_int64 *n) {
            return under(f)->pMethods->xFileSize(under(f), n);
        };
        methods_.xLock = [](sqlite3_file *f, int level) {
            return under(f)->pMethods->xLock(under(f), level);
        };
        methods_.xUnlock = [](sqlite3_file *f, int level) {
            return under(f)->pMethods->xUnlock(under(f), level);
        };
        methods_.xCheckReservedLock = [](sqlite3_file *f, int *out) {
            return under(f)->pMethods->xCheckReservedLock(under(f), out);
        };
        methods_.xFileControl = [](sqlite3_file *f, int op, void *arg) {
            return under(f)->pMethods->xFileControl(under(f), op, arg);
        };
        methods_.xSectorSize = [](sqlite3_file *f) {
            return under(f)->pMethods->xSectorSize(under(f));
        };
        methods_.xDeviceCharacteristics = [](sqlite3_file *) { return 0; };
        sqlite3_vfs_register(&vfs_, 1);
    }
    power_cut(const power_cut &) = delete;
    power_cut &operator=(const power_cut &) = delete;
    power_cut(power_cut &&) = delete;
    power_cut &operator=(power_cut &&) = delete;
    ~power_cut() {
        sqlite3_vfs_register(below_, 1);
        sqlite3_vfs_unregister(&vfs_);
        current_ = nullptr;
    }

    [[nodiscard]] int syncs() const { return syncs_; }

private:
    /// SQLite's view of a file; the one below follows it in memory.
    struct file {
        sqlite3_file base;
        std::string name;
    };

    static sqlite3_file *under(sqlite3_file *f) {
        return reinterpret_cast<sqlite3_file *>(reinterpret_cast<char *>(f) + sizeof(file));
    }
    static int open(sqlite3_vfs *, const char *name, sqlite3_file *f, int flags, int *out) {
        auto *mine = new (f) file{};
        const int code = current_->below_->xOpen(current_->below_, name, under(f), flags, out);
        if (code != SQLITE_OK) {
            mine->name.~basic_string();
            mine->base.pMethods = nullptr;
            return code;
        }
        mine->name = name == nullptr ? "" : name;
        mine->base.pMethods = &current_->methods_;
        return code;
    }
    static int remove(sqlite3_vfs *, const char *name, int sync_folder) {
        const int code = current_->below_->xDelete(current_->below_, name, sync_folder);
        // A name that is gone comes back with the power, unless its folder was written out.
        if (sync_folder != 0) {
            std::filesystem::remove(current_->survivor(name));
            ++current_->syncs_;
        }
        return code;
    }
    [[nodiscard]] std::filesystem::path survivor(const std::filesystem::path &name) const {
        return survivors_ / name.filename();
    }

    inline static power_cut *current_ = nullptr;
    std::filesystem::path survivors_;
    sqlite3_vfs *below_ = nullptr;
    sqlite3_vfs vfs_{};
    sqlite3_io_methods methods_{};
    int syncs_ = 0;
};

} // namespace kvmig::test
