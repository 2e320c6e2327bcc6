// SPDX-License-Identifier: MIT
// kvmig nfs: what a server exports and holds, and copies of images to, from and between servers.
#include <lab/cli/console.hpp>
#include <lab/cli/copy_progress.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/nfs_exports.hpp>
#include <lab/cli/nfs_probe.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/run/copy.hpp>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kvmig::lab::cli {

namespace {

using nlohmann::json;

/// Names on a server may hold any bytes.
void print(const json &answer) {
    fmt::print("{}\n", answer.dump(2, ' ', false, json::error_handler_t::replace));
}

std::string clients_of(const nfs::exported &one) {
    std::string out;
    for (const std::string &who : one.clients) out += (out.empty() ? "" : ", ") + who;
    return out.empty() ? "everyone" : out;
}

/// A machine of the lab is reached from inside the lab only, by its address. Where one of `places`
/// (each an address of NFS, or something else) names one, this same command runs again there, and
/// its exit status is returned; inside, the place then names the address.
std::optional<exit_status> moved_to_lab(const std::vector<std::string *> &places,
                                        const std::string &lab, const context &ctx) {
    bool in_lab = false;
    for (std::string *place : places) {
        auto url = model::parse_nfs_url(*place);
        if (!url) continue;
        const machine_spec *machine = find_machine(url->server);
        if (machine == nullptr) continue;
        in_lab = true;
        const bool folder = place->ends_with('/') && url->path != "/";
        url->server = machine->address;
        *place = to_string(*url) + (folder ? "/" : "");
    }
    if (!in_lab || is_inside()) return std::nullopt;
    const auto paths = paths_of(lab);
    return paths ? again_inside(*paths, ctx) : report(paths.error());
}

void add_lab_option(CLI::App &sub, std::string &lab) {
    sub.add_option("--lab", lab, "Whose server nfs is; also KVMIG_LAB")->capture_default_str();
}

struct ls_request {
    std::string where;
    std::string lab = default_lab();
    unsigned patience = 30; ///< seconds
};

exit_status list_exports(const model::nfs_url &url, const nfs::connect_options &how,
                         const context &ctx) {
    const auto exports = nfs::exports_of(url.server, how.patience, how.stop);
    if (!exports) return report(exports.error());
    json answer{{"schema", "kvmig.nfs-ls/1"}, {"server", url.server}, {"exports", json::array()}};
    for (const nfs::exported &one : *exports) {
        answer["exports"].push_back({{"path", one.path}, {"clients", one.clients}});
        if (!ctx.json) fmt::print("{}  {}\n", one.path, clients_of(one));
    }
    if (ctx.json) print(answer);
    if (!ctx.json && exports->empty()) fmt::print(stderr, "{} exports nothing.\n", url.server);
    return exit_status::done;
}

exit_status list_folder(const model::nfs_url &url, const nfs::connect_options &how,
                        const context &ctx) {
    const auto on = nfs::context::connect(url, how);
    if (!on) return report(on.error());
    const auto names = on->list(url.path);
    if (!names) return report(names.error());
    json answer{{"schema", "kvmig.nfs-ls/1"},
                {"server", url.server},
                {"export", on->is_listed() ? json(on->mounted()) : json()},
                {"path", url.path},
                {"entries", json::array()}};
    for (const nfs::entry &one : *names) {
        const nfs::attributes &about = one.about;
        answer["entries"].push_back({{"name", one.name},
                                     {"folder", about.is_folder()},
                                     {"mode", fmt::format("{:04o}", about.mode & 07777U)},
                                     {"uid", about.uid},
                                     {"gid", about.gid},
                                     {"size", about.size.count()},
                                     {"used", about.used.count()}});
        if (ctx.json) continue;
        fmt::print("{}{:04o} {:>6} {:>6} {:>14} {:>14}  {}{}\n", about.is_folder() ? 'd' : '-',
                   about.mode & 07777U, about.uid, about.gid, about.size.count(),
                   about.used.count(), one.name, about.is_folder() ? "/" : "");
    }
    if (ctx.json) print(answer);
    return exit_status::done;
}

exit_status act(const ls_request &asked, const context &ctx) {
    std::string where = model::is_nfs_url(asked.where) ? asked.where : "nfs://" + asked.where + "/";
    if (const auto moved = moved_to_lab({&where}, asked.lab, ctx)) return *moved;
    const auto url = model::parse_nfs_url(where);
    if (!url) return report(url.error());
    nfs::connect_options how;
    how.patience = std::chrono::seconds(asked.patience);
    how.stop = ctx.interrupted.get_token();
    how.waits_until = how.stop;
    return url->path == "/" && url->version == 3 ? list_exports(*url, how, ctx)
                                                 : list_folder(*url, how, ctx);
}

struct cp_request {
    std::string from;
    std::string to;
    std::string lab = default_lab();
    bool resume = false;
    bool fresh = false;
    std::string backing;          ///< "copy", "leave" or nothing
    unsigned patience = 30;       ///< seconds
    unsigned reconnect_for = 120; ///< seconds
    run::copy_options options;
};

/// A folder as a target means the source's name in it.
std::string target_of(const cp_request &asked) {
    if (model::is_nfs_url(asked.to)) {
        auto url = model::parse_nfs_url(asked.to);
        if (!url || asked.to.find('?') != std::string::npos || !asked.to.ends_with('/')) {
            return asked.to;
        }
    } else if (!std::filesystem::is_directory(asked.to)) {
        return asked.to;
    }
    std::string path = asked.from;
    if (auto url = model::parse_nfs_url(asked.from)) path = url->path;
    const std::string name = model::split_path(path).name;
    return asked.to + (asked.to.ends_with('/') ? "" : "/") + name;
}

json backing_of(const run::copy_result &done) {
    json out = json::array();
    for (const run::copied_backing &one : done.backing) {
        out.push_back({{"from", one.from},
                       {"to", one.to},
                       {"size", one.size.count()},
                       {"written", one.written.count()},
                       {"was_there", one.was_there}});
    }
    return out;
}

json json_of(const run::copy_result &done, const cp_request &asked, const std::string &to,
             double seconds) {
    return {{"schema", "kvmig.nfs-cp/1"},
            {"from", asked.from},
            {"to", to},
            {"format", done.format},
            {"size", done.size.count()},
            {"read", done.read.count()},
            {"written", done.written.count()},
            {"resumed", done.resumed.count()},
            {"checksum", done.checksum.empty() ? json() : json("xxh3-128:" + done.checksum)},
            {"verified", done.verified},
            {"reconnects", done.reconnects},
            {"seconds", seconds},
            {"backing", backing_of(done)},
            {"notes", done.notes}};
}

exit_status act(cp_request asked, const context &ctx) {
    if (const auto moved = moved_to_lab({&asked.from, &asked.to}, asked.lab, ctx)) return *moved;
    if (asked.resume) asked.options.earlier = run::earlier_part::resume;
    if (asked.fresh) asked.options.earlier = run::earlier_part::drop;
    if (asked.backing == "copy") asked.options.backing = run::backing_choice::copy;
    if (asked.backing == "leave") asked.options.backing = run::backing_choice::leave;
    if (!asked.options.new_backing.name.empty()) {
        asked.options.backing = run::backing_choice::rebase;
    }
    asked.options.patience = std::chrono::seconds(asked.patience);
    asked.options.reconnect_for = std::chrono::seconds(asked.reconnect_for);
    const std::string to = target_of(asked);
    const auto begun = std::chrono::steady_clock::now();
    const auto elapsed = [begun] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    };
    auto done = [&] {
        console line;
        copy_progress progress(isatty(STDERR_FILENO) == 1);
        return run::copy_image(
            asked.from, to, asked.options,
            [&](const run::copy_state &now) {
                if (const auto text = progress.at(now, elapsed()); !text.empty()) line.show(text);
            },
            ctx.interrupted.get_token());
    }();
    if (!done) return report(done.error());
    const double seconds = elapsed();
    for (const std::string &note : done->notes) fmt::print(stderr, "note: {}\n", note);
    if (ctx.json) {
        print(json_of(*done, asked, to, seconds));
    } else {
        fmt::print("{}: {:.1f} MiB, of which {:.1f} MiB were written in {:.1f} s{}\n", to,
                   done->size.as_mib(), done->written.as_mib(), seconds,
                   done->verified ? "; read back and equal" : "");
        for (const run::copied_backing &one : done->backing) {
            fmt::print("{}: {:.1f} MiB, {}\n", one.to, one.size.as_mib(),
                       one.was_there
                           ? "was there already, and is equal"
                           : fmt::format("of which {:.1f} MiB were written", one.written.as_mib()));
        }
    }
    return exit_status::done;
}

void add_ls(CLI::App &nfs, context &ctx) {
    const auto asked = std::make_shared<ls_request>();
    CLI::App *sub = nfs.add_subcommand("ls", "List a server's exports, or a folder on it");
    sub->add_option("WHERE", asked->where, "SERVER, or nfs://SERVER/PATH")->required();
    add_lab_option(*sub, asked->lab);
    sub->add_option("--patience", asked->patience, "Seconds the server may be silent")
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.nfs-ls/1) on stdout");
    sub->footer(closing(
        {"kvmig nfs ls nfs.lab", "kvmig nfs ls nfs://nfs.lab/srv/images"},
        "Columns of a folder: permissions, user, group, size, bytes its blocks take, name."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

void add_cp(CLI::App &nfs, context &ctx) {
    const auto asked = std::make_shared<cp_request>();
    CLI::App *sub = nfs.add_subcommand("cp", "Copy an image to, from or between NFS servers");
    sub->add_option("FROM", asked->from, "A file, or nfs://SERVER/PATH")
        ->required()
        ->type_name("FILE|URL");
    sub->add_option("TO", asked->to, "A file or folder, or nfs://SERVER/PATH (a folder ends in /)")
        ->required()
        ->type_name("FILE|URL");
    add_lab_option(*sub, asked->lab);
    auto *backing = sub->add_option("--backing", asked->backing,
                                    "What becomes of the images that a qcow2 image stands on: copy "
                                    "them into the folder of TO, or leave them")
                        ->check(CLI::IsMember({"copy", "leave"}));
    auto *rebase = sub->add_option("--rebase", asked->options.new_backing.name,
                                   "The copy stands on this file, named as seen from the copy")
                       ->excludes(backing);
    sub->add_option("--rebase-format", asked->options.new_backing.format,
                    "Its format; else that of the file it replaces")
        ->needs(rebase);
    sub->add_flag("--raw", asked->options.raw, "The image is raw, whatever it begins with")
        ->excludes(backing)
        ->excludes(rebase);
    sub->add_flag("--replace", asked->options.replace, "Replace a target that is there");
    sub->add_flag("--verify", asked->options.verify, "Read the copy back and compare");
    auto *resume =
        sub->add_flag("--resume", asked->resume, "Go on with a copy that was broken off");
    sub->add_flag("--fresh", asked->fresh, "Drop a copy that was broken off, and begin anew")
        ->excludes(resume);
    sub->add_flag("--in-use", asked->options.in_use_too,
                  "Copy an image that a running QEMU writes: the copy may be torn");
    sub->add_option("--reconnect-for", asked->reconnect_for,
                    "Seconds that a lost server may take to come back")
        ->capture_default_str();
    sub->add_option("--patience", asked->patience, "Seconds the server may be silent")
        ->capture_default_str();
    sub->add_option("--window", asked->options.window,
                    "Requests under way at each end; 0: after the round trip")
        ->check(CLI::Range(0, 64))
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.nfs-cp/1) on stdout");
    sub->footer(
        closing({"kvmig nfs cp nfs://nfs.lab/srv/images/vm1.qcow2 /var/lib/libvirt/images/",
                 "kvmig nfs cp vm1.qcow2 nfs://nfs.lab/srv/images/ --verify"},
                "Holes are kept; of a qcow2 image only what is in use travels. The copy has its "
                "name when it is whole: until then it is .NAME.kvmig-part, with .NAME.kvmig-mark "
                "beside it.\n"
                "An image that stands on another (its backing file) needs --backing or --rebase. "
                "With --backing copy the one that it stands on last is copied first; one whose "
                "name is taken is compared, and stays if it is equal.\n"
                "Exit status: 0 copied, 1 failed, 2 wrong usage, 4 cancelled, 5 something is "
                "missing here, such as room."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace

void add_nfs(CLI::App &app, context &ctx) {
    CLI::App *sub =
        app.add_subcommand("nfs", "Look at NFS servers, and copy images through libnfs");
    sub->require_subcommand(1);
    sub->footer(closing({"kvmig nfs ls nfs.lab"}, "`kvmig nfs COMMAND --help` tells more."));
    add_ls(*sub, ctx);
    add_cp(*sub, ctx);
    add_nfs_exports(*sub, ctx);
    add_nfs_probe(*sub, ctx);
}

} // namespace kvmig::lab::cli
