// SPDX-License-Identifier: MIT
// kvmig nfs exports: how a server exports its folders, how hosts mount them, and what that means
// for migrations.
#include <lab/cli/check_text.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/inside.hpp>
#include <lab/cli/nfs_exports.hpp>
#include <lab/topology/paths.hpp>
#include <lab/topology/topology.hpp>

#include <kvmig/host/command.hpp>
#include <kvmig/model/nfs_exportfs.hpp>
#include <kvmig/model/nfs_exports_text.hpp>
#include <kvmig/model/nfs_mount.hpp>
#include <kvmig/model/nfs_option.hpp>
#include <kvmig/model/nfs_url.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/precheck/nfs.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

namespace kvmig::lab::cli {

namespace {

using model::export_client;
using model::nfs_export;
using model::nfs_mount;
using nlohmann::json;
using precheck::fact;

/// One thing to be read: from a host, or from a file in its place.
struct fact_source {
    std::string host;
    std::string file;

    [[nodiscard]] bool wanted() const { return !host.empty() || !file.empty(); }
};

struct exports_request {
    std::string server;
    std::string lab = default_lab();
    fact_source exports;
    fact_source source;
    fact_source destination;
    std::vector<std::string> ignored;
    unsigned patience = 30; ///< seconds

    /// Files in place of every question: nobody is asked anything.
    [[nodiscard]] bool from_files() const {
        const bool files =
            !exports.file.empty() || !source.file.empty() || !destination.file.empty();
        return files && exports.host.empty() && source.host.empty() && destination.host.empty();
    }
};

/// What was learned.
struct exports_answer {
    std::optional<fact<std::vector<nfs::exported>>> mountd; ///< none where it was not asked
    precheck::nfs_facts facts;
};

/// An error on one line, the layers below it after colons.
std::string line_of(const error &err) {
    std::string out = err.what;
    for (const error &cause : err.causes) out += ": " + line_of(cause);
    std::replace(out.begin(), out.end(), '\n', ' ');
    std::erase(out, '\r');
    return out;
}

template <class T> fact<T> fact_of(expected<T> told) {
    return told ? fact<T>(*std::move(told)) : fact<T>::unknown(line_of(told.error()));
}

expected<std::string> text_of(const std::string &option, const std::string &file) {
    std::ifstream in(file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in && !in.bad()) return text;
    const int number = errno;
    error problem =
        make_error(error_kind::invalid_argument,
                   option + ": cannot read the file '" + file + "': " + std::strerror(number))
            .about(file);
    problem.system = number;
    return fail(std::move(problem));
}

/// What is told by `argv`, words of this program alone, on `host`: `localhost`, which is here, a
/// machine of the lab, or whatever ssh takes. Nobody is asked for a password.
expected<std::string> told_by(const std::string &host, const std::vector<std::string> &argv,
                              const context &ctx) {
    host::command cmd;
    if (host != "localhost") {
        const machine_spec *machine = find_machine(host);
        cmd.argv = {"ssh",
                    "-o",
                    "BatchMode=yes",
                    "-o",
                    "ConnectTimeout=10",
                    "--",
                    machine != nullptr ? fqdn(*machine) : host};
    }
    cmd.argv.insert(cmd.argv.end(), argv.begin(), argv.end());
    cmd.timeout = std::chrono::minutes{1};
    auto said = host::output_of(cmd, ctx.interrupted.get_token());
    if (!said) return fail(std::move(said).error().on(host));
    return said;
}

/// What both `read` from `from`: of a file it must be right, of a host it may be unknown.
template <class T, class Read>
expected<fact<T>> look(const fact_source &from, const std::string &option,
                       const std::vector<std::string> &argv, const context &ctx, Read read) {
    if (from.file.empty()) {
        auto text = told_by(from.host, argv, ctx);
        if (!text) {
            if (text.error().kind == error_kind::cancelled) return fail(std::move(text).error());
            return fact<T>::unknown(line_of(text.error()));
        }
        return fact_of<T>(read(*text));
    }
    auto text = text_of(option, from.file);
    if (!text) return fail(std::move(text).error());
    auto told = read(*text);
    if (told) return fact<T>(*std::move(told));
    told.error().kind = error_kind::invalid_argument;
    told.error().object = from.file;
    return fail(std::move(told).error());
}

/// Asks for the mounts of one host, if it is wanted.
expected<void> look_at_mounts(std::optional<precheck::nfs_host> &into, const fact_source &from,
                              const std::string &end, const context &ctx) {
    if (!from.wanted()) return {};
    auto told = look<std::vector<nfs_mount>>(
        from, "--mounts-" + end, {"cat", "/proc/self/mountinfo"}, ctx,
        [](const std::string &text) { return model::parse_nfs_mounts(text); });
    if (!told) return fail(std::move(told).error());
    into = precheck::nfs_host{from.host.empty() ? end : from.host, *std::move(told)};
    return {};
}

expected<exports_answer> ask(const exports_request &asked, const context &ctx) {
    exports_answer out;
    if (!asked.from_files()) {
        auto told = nfs::exports_of(asked.server, std::chrono::seconds(asked.patience),
                                    ctx.interrupted.get_token());
        const bool others =
            asked.exports.wanted() || asked.source.wanted() || asked.destination.wanted();
        if (!told && (!others || told.error().kind == error_kind::cancelled)) {
            return fail(std::move(told).error());
        }
        out.mountd = fact_of(std::move(told));
    }
    precheck::nfs_server server{
        asked.exports.host.empty() ? asked.server : asked.exports.host,
        fact<std::vector<nfs_export>>::unknown(
            "its options were not asked for, and mountd tells none; give --ask SSH-HOST, or "
            "--exports-file")};
    if (asked.exports.wanted()) {
        const std::string &file = asked.exports.file;
        auto told = look<std::vector<nfs_export>>(
            asked.exports, "--exports-file", {"exportfs", "-v"}, ctx, [&](const std::string &text) {
                return file.empty() ? model::parse_exportfs(text, model::exportfs_form::verbose)
                                    : exports_in_file(text, file);
            });
        if (!told) return fail(std::move(told).error());
        server.exports = *std::move(told);
    }
    out.facts.servers = {std::move(server)};
    for (auto [into, from, end] :
         {std::tuple{&out.facts.source, &asked.source, "source"},
          std::tuple{&out.facts.destination, &asked.destination, "destination"}}) {
        if (auto told = look_at_mounts(*into, *from, end, ctx); !told) {
            return fail(std::move(told).error());
        }
    }
    return out;
}

constexpr const char *not_an_option = "no option of exports(5) that is known here";

std::string meaning_of(const std::string &word) {
    return model::explain_option(word).value_or(not_an_option);
}

std::string to_text(const nfs_mount &mount) {
    std::string out = fmt::format("{} at '{}'", mount.source(), mount.mountpoint);
    if (!mount.version.empty()) out += ", version " + mount.version;
    if (!mount.proto.empty()) out += ", " + mount.proto;
    out += mount.readonly ? ", read-only" : ", read-write";
    return out + ", " + std::string(to_string(mount.patience));
}

/// Clients by the same options, in the order of the first of each.
std::vector<std::pair<std::string, const model::export_options *>>
by_options(const nfs_export &exported) {
    std::vector<std::pair<std::string, const model::export_options *>> out;
    for (const export_client &client : exported.clients) {
        const std::string name =
            client.kind == model::client_kind::everyone ? "everyone" : client.name;
        const auto same = std::find_if(out.begin(), out.end(), [&](const auto &each) {
            return *each.second == client.options;
        });
        if (same == out.end())
            out.emplace_back(name, &client.options);
        else
            same->first += ", " + name;
    }
    return out;
}

/// Mountd's answer as `showmount -e` shows it.
void show(const std::string &server, const fact<std::vector<nfs::exported>> &told) {
    if (!told.known()) {
        fmt::print("What the mountd of {} exports is not known: {}\n\n", server, told.reason());
        return;
    }
    fmt::print("Exports of {}, as its mountd tells:\n", server);
    if (told->empty()) fmt::print("  none\n");
    for (const nfs::exported &one : *told) {
        fmt::print("  {}  {}\n", one.path,
                   one.clients.empty() ? "everyone"
                                       : fmt::format("{}", fmt::join(one.clients, ", ")));
    }
    fmt::print("\n");
}

void show(const exports_answer &told, const exports_request &asked, const precheck::report &found) {
    if (told.mountd) show(asked.server, *told.mountd);
    for (const precheck::nfs_server &server : told.facts.servers) {
        if (!server.exports.known()) continue;
        if (server.exports->empty()) fmt::print("{} exports nothing.\n\n", server.name);
        for (const nfs_export &exported : *server.exports) {
            for (const auto &[names, options] : by_options(exported)) {
                fmt::print("{}:{} to {}\n", server.name, exported.path, names);
                for (const std::string &word : model::option_words(*options)) {
                    fmt::print("  {:<16}  {}\n", word, meaning_of(word));
                }
                fmt::print("\n");
            }
        }
    }
    for (const auto *host : {&told.facts.source, &told.facts.destination}) {
        if (!*host || !(*host)->mounts.known()) continue;
        fmt::print("Mounts of {}:\n", (*host)->name);
        if ((*host)->mounts->empty()) fmt::print("  none by NFS\n");
        for (const nfs_mount &mount : *(*host)->mounts) fmt::print("  {}\n", to_text(mount));
        fmt::print("\n");
    }
    fmt::print("{}", check_text(found));
}

json to_json(const nfs::exported &one) { return {{"path", one.path}, {"clients", one.clients}}; }

json to_json(const nfs_export &one) {
    json clients = json::array();
    for (const export_client &client : one.clients) {
        json options = json::array();
        for (const std::string &word : model::option_words(client.options)) {
            const auto means = model::explain_option(word);
            options.push_back({{"option", word}, {"means", means ? json(*means) : json()}});
        }
        clients.push_back({{"name", client.name},
                           {"line", client.line == 0 ? json() : json(client.line)},
                           {"options", std::move(options)}});
    }
    return {{"path", one.path}, {"clients", std::move(clients)}};
}

json to_json(const nfs_mount &one) {
    return {{"server", one.server},
            {"path", one.path},
            {"mountpoint", one.mountpoint},
            {"version", one.version},
            {"proto", one.proto},
            {"address", one.addr},
            {"readonly", one.readonly},
            {"patience", to_string(one.patience)},
            {"locks_stay_local", one.nolock || one.local == model::local_locks::all ||
                                     one.local == model::local_locks::posix}};
}

/// `of` whom; then the list, or why it is not known.
template <class T>
json to_json(const std::string &of, const char *what, const fact<std::vector<T>> &told) {
    json out = {{"host", of}, {what, nullptr}, {"unknown", nullptr}};
    if (!told.known()) {
        out["unknown"] = told.reason();
        return out;
    }
    out[what] = json::array();
    for (const T &each : *told) out[what].push_back(to_json(each));
    return out;
}

json to_json(const exports_answer &told, const exports_request &asked,
             const precheck::report &found) {
    json out = check_json(found);
    out["schema"] = "kvmig.nfs-exports/1";
    out["server"] = asked.server;
    out["mountd"] = told.mountd ? to_json(asked.server, "exports", *told.mountd) : json();
    const precheck::nfs_server &server = told.facts.servers.front();
    out["options"] = to_json(server.name, "exports", server.exports);
    const auto mounts = [](const std::optional<precheck::nfs_host> &host) {
        return host ? to_json(host->name, "mounts", host->mounts) : json();
    };
    out["source"] = mounts(told.facts.source);
    out["destination"] = mounts(told.facts.destination);
    return out;
}

exit_status act(const exports_request &asked, const context &ctx) {
    const auto told = ask(asked, ctx);
    if (!told) return report(told.error());
    const precheck::report found = precheck::check_nfs(told->facts, asked.ignored);
    if (ctx.json) {
        // Texts come from other hosts: what is not UTF-8 is replaced.
        fmt::print(
            "{}\n",
            to_json(*told, asked, found).dump(2, ' ', false, json::error_handler_t::replace));
    } else {
        show(*told, asked, found);
    }
    return found.verdict == precheck::verdict::blocked ? exit_status::blocked : exit_status::done;
}

/// The server's name alone, as mountd is asked; brackets of IPv6 are taken off.
expected<std::string> server_of(const std::string &written) {
    auto url = model::parse_nfs_url("nfs://" + written + "/");
    if (url && url->path == "/") return std::move(url->server);
    return fail(make_error(error_kind::invalid_argument, "SERVER is a name or an address alone")
                    .about(written)
                    .advise("write kvmig nfs exports nfs.example.org, without a path"));
}

/// Lab machines are reached from inside the lab only: there this command runs again.
exit_status begin(exports_request asked, const context &ctx) {
    if (auto known = precheck::check_ignored(asked.ignored); !known) return report(known.error());
    auto server = server_of(asked.server);
    if (!server) return report(server.error());
    asked.server = *std::move(server);
    if (asked.from_files()) return act(asked, ctx);
    bool in_lab = false;
    for (const std::string *name :
         {&asked.server, &asked.exports.host, &asked.source.host, &asked.destination.host}) {
        in_lab = in_lab || find_machine(*name) != nullptr;
    }
    if (!in_lab || is_inside()) return act(asked, ctx);
    const auto paths = paths_of(asked.lab);
    return paths ? again_inside(*paths, ctx) : report(paths.error());
}

} // namespace

expected<std::vector<nfs_export>> exports_in_file(std::string_view text, const std::string &file) {
    bool told = false; // by exportfs
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        start = end + 1;
        const std::size_t open = line.find('(');
        if (open == std::string_view::npos) continue;
        told = line.substr(0, open).find('\t') != std::string_view::npos &&
               line.find("wdelay,", open) != std::string_view::npos;
        if (!told) break;
    }
    return told ? model::parse_exportfs(text, model::exportfs_form::verbose)
                : model::parse_exports(text, file);
}

void add_nfs_exports(CLI::App &nfs, context &ctx) {
    const auto asked = std::make_shared<exports_request>();
    CLI::App *sub = nfs.add_subcommand("exports", "Explain and judge exports, and mounts of them");
    sub->add_option("SERVER", asked->server, "The NFS server's name or address")->required();
    const auto either = [sub](fact_source &into, const std::string &host,
                              const std::string &host_help, const std::string &file,
                              const std::string &file_help) {
        auto *first = sub->add_option(host, into.host, host_help)->type_name("SSH-HOST");
        sub->add_option(file, into.file, file_help)->type_name("FILE")->excludes(first);
    };
    either(asked->exports, "--ask", "Ask the server itself for options: exportfs -v by ssh",
           "--exports-file", "In its place: what exportfs -v told, or a table as /etc/exports");
    either(asked->source, "--source", "Read the mounts of the host that guests leave",
           "--mounts-source", "In its place: its /proc/self/mountinfo");
    either(asked->destination, "--destination", "Read the mounts of the host they go to",
           "--mounts-destination", "In its place: its /proc/self/mountinfo");
    sub->add_option("--lab", asked->lab, "Whose machines kvm01, kvm02 and nfs are; also KVMIG_LAB")
        ->capture_default_str();
    sub->add_option("--ignore", asked->ignored,
                    "An id, e.g. KVM-STO-101: told, but not counted; may be given several times")
        ->type_name("ID")
        ->allow_extra_args(false);
    sub->add_option("--patience", asked->patience, "Seconds the server may be silent")
        ->capture_default_str();
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.nfs-exports/1) on stdout");
    sub->footer(
        closing({"kvmig nfs exports nfs.lab",
                 "kvmig nfs exports nfs.lab --ask root@nfs.lab --source kvm01 --destination "
                 "kvm02"},
                "Mountd tells what is exported, and to whom. By which options, and how hosts mount "
                "it, they are asked by ssh, which asks nobody for a password; localhost is asked "
                "without. With files alone nobody is asked. Of options that are the default, those "
                "are explained that people look for first. What cannot be had is unknown, never "
                "clear.\n"
                "Exit status: 0 nothing blocks, 1 failed, 2 wrong usage, 3 something blocks, 4 "
                "cancelled."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return begin(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
