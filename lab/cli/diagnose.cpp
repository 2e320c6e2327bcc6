// SPDX-License-Identifier: MIT
// kvmig diagnose: messages and logs to causes.
#include <lab/cli/diagnosis_text.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli/translations.hpp>

#include <kvmig/core/expected.hpp>
#include <kvmig/diagnosis/diagnose.hpp>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace kvmig::lab::cli {

namespace {

struct request {
    std::string file = "-";
    std::string domain;
    std::string source;
    std::string destination;
};

expected<std::string> read_all(const std::string &name) {
    const bool standard = name == "-";
    std::FILE *in = standard ? stdin : std::fopen(name.c_str(), "rb");
    const auto failed = [&](int number) {
        error err = make_error(number == ENOENT ? error_kind::not_found : error_kind::io,
                               "cannot read: " + std::string(std::strerror(number)));
        err.system = number;
        return fail(std::move(err).about(standard ? "standard input" : name));
    };
    if (in == nullptr) return failed(errno);
    std::string text;
    char buffer[65536];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, in))
        text.append(buffer, got);
    const int problem = std::ferror(in) != 0 ? (errno == 0 ? EIO : errno) : 0;
    if (!standard) std::fclose(in);
    if (problem != 0) return failed(problem);
    return text;
}

exit_status act(const request &asked, const context &ctx) {
    auto text = read_all(asked.file);
    if (!text) return report(text.error());
    evidence all;
    all.domain = asked.domain;
    all.source = asked.source;
    all.destination = asked.destination;
    all.texts.push_back(
        {.text = std::move(*text), .name = asked.file == "-" ? std::string{} : asked.file});
    diagnosis::report found = diagnosis::diagnose(all);
    std::string language;
    if (found.causes.empty()) {
        if (auto led = lead_back(all.texts.front().text)) {
            language = led->language;
            all.texts.front().text = std::move(led->text);
            found = diagnosis::diagnose(all);
        }
    }
    if (ctx.json) {
        nlohmann::json answer = diagnosis_json(found);
        if (!language.empty()) answer["translated_from"] = language;
        // What was read may hold any bytes.
        fmt::print("{}\n", answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        if (!language.empty()) fmt::print("Led back from libvirt's {} messages.\n\n", language);
        fmt::print("{}", diagnosis_text(found));
    }
    return found.causes.empty() ? exit_status::failed : exit_status::done;
}

} // namespace

void add_diagnose(CLI::App &app, context &ctx) {
    const auto asked = std::make_shared<request>();
    CLI::App *sub = app.add_subcommand("diagnose", "Name the causes of a failed migration");
    sub->add_option("FILE", asked->file, "Messages or a log of any size; - is standard input")
        ->capture_default_str();
    sub->add_option("--domain", asked->domain, "The domain's name, for the remedies");
    sub->add_option("--source", asked->source, "The source host's name, for the remedies");
    sub->add_option("--destination", asked->destination,
                    "The destination host's name, for the remedies");
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.diagnosis/1) on stdout");
    sub->footer("Example:\n"
                "  virsh migrate --live vm1 qemu+ssh://kvm02/system 2>&1 | kvmig diagnose\n"
                "Messages may be wrapped, cut short, prefixed or translated (with Debian's package "
                "libvirt-l10n installed).\n"
                "Names in capitals in a remedy are to be filled in.\n"
                "Exit status: 0 a cause is known, 1 none is known or the input cannot be read, 2 "
                "wrong usage.");
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
