// SPDX-License-Identifier: MIT
// kvmig diagnose: messages and logs to causes.
#include <lab/cli/diagnosis_text.hpp>
#include <lab/cli/help.hpp>
#include <lab/cli/subcommands.hpp>
#include <lab/cli/translations.hpp>
#include <lab/topology/files.hpp>

#include <kvmig/diagnosis/diagnose.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace kvmig::lab::cli {

namespace {

struct diagnose_request {
    std::string file = "-";
    std::string domain;
    std::string source;
    std::string destination;
};

exit_status act(const diagnose_request &asked, const context &ctx) {
    auto text = read_file(asked.file == "-" ? "/dev/stdin" : asked.file);
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
    const auto asked = std::make_shared<diagnose_request>();
    CLI::App *sub = app.add_subcommand("diagnose", "Name the causes of a failed migration");
    sub->add_option("FILE", asked->file, "Messages or a log of any size; - is standard input")
        ->capture_default_str();
    sub->add_option("--domain", asked->domain, "The domain's name, for the remedies");
    sub->add_option("--source", asked->source, "The source host's name, for the remedies");
    sub->add_option("--destination", asked->destination,
                    "The destination host's name, for the remedies");
    sub->add_flag("--json", ctx.json, "Answer as JSON (kvmig.diagnosis/1) on stdout");
    sub->footer(
        closing({"kvmig diagnose /var/log/libvirt/qemu/vm1.log --domain vm1",
                 "virsh migrate --live vm1 qemu+ssh://kvm02/system 2>&1 | kvmig diagnose"},
                "Messages may be wrapped, cut short, prefixed or translated (with Debian's package "
                "libvirt-l10n installed).\n"
                "Names in capitals in a remedy are to be filled in.\n"
                "Exit status: 0 a cause is known, 1 none is known or the input cannot be read, 2 "
                "wrong usage."));
    sub->callback([asked, &ctx] { ctx.action = [asked, &ctx] { return act(*asked, ctx); }; });
}

} // namespace kvmig::lab::cli
