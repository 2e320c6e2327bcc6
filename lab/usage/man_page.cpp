// SPDX-License-Identifier: MIT
#include <lab/usage/man_page.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kvmig::lab::usage {

namespace {

/// Text as roff takes it for text. What stands between backticks becomes bold.
std::string roff(std::string_view text) {
    std::string out;
    bool bold = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i).starts_with("…")) {
            out += "...";
            i += 2;
            continue;
        }
        switch (const char c = text[i]) {
        case '\\': out += "\\e"; break;
        case '-': out += "\\-"; break;
        case '\'': out += "\\(aq"; break;
        case '"': out += "\\(dq"; break;
        case '~': out += "\\(ti"; break;
        case '^': out += "\\(ha"; break;
        case '`':
            bold = !bold;
            out += bold ? "\\fB" : "\\fR";
            break;
        default: out += c;
        }
    }
    // A line that begins with a dot would be a request.
    return out.starts_with('.') ? "\\&" + out : out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

/// An option or argument with its value, as it stands in a synopsis.
std::string usage(const option_row &row) {
    std::string out = row.names.empty() ? italic(row.value) : bold(row.names.back());
    if (!row.names.empty() && !row.value.empty()) out += ' ' + italic(row.value);
    if (row.names.empty() && row.repeats) out += " ...";
    return row.required ? out : '[' + out + ']';
}

/// What must be given, or is told by its place; the rest is `[OPTION ...]`.
std::string synopsis(const command_row &command) {
    std::string out = bold(command.path);
    bool more = false;
    for (const option_row &each : command.arguments) out += ' ' + usage(each);
    for (const option_row &each : command.options) {
        if (each.required) out += ' ' + usage(each);
        more = more || !each.required;
    }
    if (!command.commands.empty()) {
        out += command.acts_alone ? " [" + italic("COMMAND") + ']' : ' ' + italic("COMMAND");
    }
    return more ? out + " [" + italic("OPTION") + " ...]" : out;
}

void describe(std::string &out, const option_row &row) {
    out += ".TP\n";
    std::vector<std::string> names;
    for (const std::string &each : row.names) names.push_back(bold(each));
    if (names.empty()) names.push_back(italic(row.value));
    out += fmt::format("{}", fmt::join(names, ", "));
    if (!row.names.empty() && !row.value.empty()) out += ' ' + italic(row.value);
    out += '\n' + roff(row.about) + ".\n";
    if (!row.choices.empty()) {
        out += fmt::format("One of {}.\n", roff(fmt::format("{}", fmt::join(row.choices, ", "))));
    }
    if (!row.limits.empty()) out += fmt::format("A number: {}.\n", roff(row.limits));
    if (!row.otherwise.empty()) out += fmt::format("The default is {}.\n", bold(row.otherwise));
}

void show_examples(std::string &out, const command_row &command) {
    if (command.examples.empty()) return;
    out += ".EX\n";
    for (const std::string &each : command.examples) out += roff(each) + '\n';
    out += ".EE\n";
}

void describe(std::string &out, const command_row &command) {
    out += ".SS " + roff(command.path) + '\n' + synopsis(command) + "\n.PP\n" +
           roff(command.about) + ".\n";
    for (const option_row &each : command.arguments) describe(out, each);
    for (const option_row &each : command.options) {
        // It stands once, with the options of the program.
        if (each.names.back() != "--help") describe(out, each);
    }
    for (const std::string &each : command.remarks) out += ".PP\n" + roff(each) + '\n';
    out += ".PP\n";
    show_examples(out, command);
}

constexpr std::string_view description =
    R"(kvmig checks, runs, steers and explains migrations of KVM virtual machines through libvirt. Its lab
stands up two nested KVM hosts and an NFS server on this machine, in which every one of them can be
tried.
.PP
A host is a libvirt URI, such as
.BR qemu+ssh://kvm01/system ,
or
.B kvm01
and
.B kvm02
for those of the lab.
Answers go to standard output, progress and messages to standard error.
)";

constexpr std::string_view rest =
    R"(.SH EXIT STATUS
Of every command:
.TP
0
Done.
.TP
1
Failed.
.TP
2
Wrong usage.
.TP
3
A precheck blocks.
.TP
4
Cancelled.
.TP
5
This machine lacks something; the message says what.
.SH ENVIRONMENT
.TP
.B KVMIG_LAB
The lab that is meant where
.B \-\-lab
does not say it.
.TP
.B KVMIG_KILLED_IN
A state of a migration, such as
.BR pre_copy :
.B kvmig migrate
is killed as soon as it has recorded it, to try what
.B kvmig recover
does then. For tests.
.TP
.B KVMIG_KILLED_AFTER
The same, instead of recording the state that follows.
.TP
.BR XDG_STATE_HOME ", " XDG_CACHE_HOME
Where
.I kvmig
keeps what is listed below, in place of
.I \(ti/.local/state
and
.IR \(ti/.cache .
.SH FILES
.TP
.I \(ti/.local/state/kvmig
Labs, results, and the journal of migrations.
.TP
.I \(ti/.cache/kvmig
What can be made again: images of the lab.
.TP
.I /var/lib/kvmig/tuning.revert
What
.B kvmig tune \-\-revert
puts back.
)";

constexpr std::string_view see_also =
    R"(.SH SEE ALSO
.BR virsh (1),
.BR qemu\-img (1),
.BR exports (5),
.BR nfs (5),
.BR tuned\-adm (8)
)";

} // namespace

std::string man_page(const command_row &program, std::string_view version) {
    // Without a date: the same sources make the same page.
    std::string out =
        fmt::format(".TH KVMIG 1 \"\" \"kvmig {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                    version, program.path, roff(program.about));
    out += ".SH SYNOPSIS\n.nf\n";
    for (const command_row *each : all_of(program)) {
        if (each->acts_alone) out += synopsis(*each) + '\n';
    }
    out += ".fi\n.SH DESCRIPTION\n" + std::string(description) + ".SH OPTIONS\n";
    for (const option_row &each : program.options) describe(out, each);
    out += ".SH COMMANDS\n";
    for (const command_row *each : all_of(program)) {
        if (each != &program) describe(out, *each);
    }
    out += std::string(rest) + ".SH EXAMPLES\n";
    show_examples(out, program);
    return out + std::string(see_also);
}

} // namespace kvmig::lab::usage
