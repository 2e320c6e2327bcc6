// SPDX-License-Identifier: MIT
#include <lab/cli/lab_report.hpp>
#include <lab/cli/output.hpp>

#include <lab/cli/help.hpp>
#include <lab/report/junit.hpp>
#include <lab/report/markdown.hpp>
#include <lab/report/openmetrics.hpp>
#include <lab/report/page.hpp>
#include <lab/report/saved_run.hpp>
#include <lab/report/table.hpp>
#include <lab/report/trace.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

namespace kvmig::lab::cli {

namespace {

/// A form in which a run is told, and the option for the file it goes to.
struct report_form {
    const char *option;
    expected<std::string> (*tell)(const run_result &);
    const char *help;
};

/// A form that can always be told.
template <std::string (*Tell)(const run_result &)>
expected<std::string> always(const run_result &run) {
    return Tell(run);
}

constexpr report_form forms[] = {
    {"--html", page_of, "Write a page with pictures, for a browser, to this file; - is stdout"},
    {"--junit", always<junit_of>, "Write JUnit XML to this file; - is stdout"},
    {"--markdown", always<markdown_of>, "Write Markdown to this file; - is stdout"},
    {"--openmetrics", always<openmetrics_of>, "Write OpenMetrics text to this file; - is stdout"},
    {"--trace", always<trace_of>,
     "Write a trace for ui.perfetto.dev or chrome://tracing to this file; - is stdout"},
};

struct report_request {
    std::string run;
    std::vector<std::pair<const report_form *, std::string>> files; ///< empty name: not asked for
};

exit_status act(const report_request &asked) {
    const auto run = read_run(asked.run);
    if (!run) return report(run.error());
    bool told = false;
    for (const auto &[form, file] : asked.files) {
        if (file.empty()) continue;
        told = true;
        const auto said = form->tell(*run);
        if (!said) return report(said.error());
        if (auto written = write_to(file, *said); !written) return report(written.error());
    }
    if (!told) fmt::print("{}", table_of(*run));
    return exit_status::done;
}

} // namespace

void add_lab_report(CLI::App &lab, context &ctx) {
    const auto asked = std::make_shared<report_request>();
    CLI::App *sub =
        lab.add_subcommand("report", "Tell a run that was kept: as table, page, or for CI");
    sub->add_option("RUN", asked->run,
                    "The run: its JSON (kvmig.run/1), its folder, or its name among the kept")
        ->required();
    asked->files.reserve(std::size(forms)); // CLI11 keeps a pointer to each
    for (const report_form &form : forms) {
        asked->files.emplace_back(&form, "");
        sub->add_option(form.option, asked->files.back().second, form.help)->type_name("FILE");
    }
    sub->footer(closing({"kvmig lab report run.json",
                         "kvmig lab report run.json --html run.html --junit junit.xml"},
                        "Without an option the table is printed."));
    sub->callback([asked, &ctx] { ctx.action = [asked] { return act(*asked); }; });
}

} // namespace kvmig::lab::cli
