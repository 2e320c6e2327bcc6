// SPDX-License-Identifier: MIT
#include <lab/report/page.hpp>
#include <lab/report/run_json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <string_view>

namespace kvmig::lab {

namespace {

/// A part of the page by its path; empty where there is none.
std::string_view part_of(std::span<const embedded_file> parts, std::string_view path) {
    const auto found = std::find_if(parts.begin(), parts.end(),
                                    [&](const embedded_file &each) { return each.path == path; });
    return found == parts.end() ? std::string_view{} : found->content;
}

/// JSON that no HTML parser takes for the end of a script, whatever the texts in it: plain ASCII,
/// without `<`, `>` and `&`.
std::string json_for_html(const nlohmann::json &value) {
    const std::string plain = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    std::string out;
    out.reserve(plain.size());
    for (const char c : plain) {
        if (c == '<' || c == '>' || c == '&') {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += c;
        }
    }
    return out;
}

/// As a Content-Security-Policy names an inline script: by its hash.
std::string csp_hash(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::array<unsigned char, std::size_t{2} * EVP_MAX_MD_SIZE> base64{};
    const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
    return "'sha256-" + std::string(base64.begin(), base64.begin() + length) + "'";
}

} // namespace

expected<std::string> page_of(const run_result &run) { return page_of(run, page_parts()); }

expected<std::string> page_of(const run_result &run, std::span<const embedded_file> parts) {
    const auto page_part = [&](std::string_view path) { return part_of(parts, path); };
    const std::string_view frame = page_part("page.html");
    if (frame.empty()) {
        return fail(make_error(error_kind::environment,
                               "this program was built without the page's charting library")
                        .advise("install npm (Debian: apt-get install npm), then configure and "
                                "build it again"));
    }
    std::string style;
    for (const char *each : {"uplot/uPlot.min.css", "page.css"}) style += page_part(each);
    std::string script{page_part("uplot/uPlot.iife.min.js")};
    for (const char *each : {"data.js", "charts.js", "dom.js", "page.js"}) {
        script += '\n';
        script += page_part(each);
    }
    const std::string policy =
        fmt::format("default-src 'none'; script-src {}; style-src {}; base-uri 'none'; "
                    "form-action 'none'",
                    csp_hash(script), csp_hash(style));
    const std::pair<std::string_view, std::string> slots[] = {
        {"policy", policy},
        {"licence", std::string{page_part("uplot/LICENSE")}},
        {"style", style},
        {"run", json_for_html(to_json(run))},
        {"script", script}};
    std::string out;
    std::string_view rest = frame;
    // In the order in which they stand in the frame; what was put in is not looked at again.
    for (const auto &[name, text] : slots) {
        const std::string slot = fmt::format("{{{{{}}}}}", name);
        const auto at = rest.find(slot);
        if (at == std::string_view::npos) {
            return fail(error_kind::failed, fmt::format("page.html has no slot {}", slot));
        }
        out += rest.substr(0, at);
        out += text;
        rest.remove_prefix(at + slot.size());
    }
    return out.append(rest);
}

} // namespace kvmig::lab
