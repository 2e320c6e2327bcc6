// SPDX-License-Identifier: MIT
#include <lab/cli/translations.hpp>

#include <kvmig/diagnosis/translation.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

namespace kvmig::lab::cli {

namespace {

/// The most of a text that is worth a look: a paste, not a log.
constexpr std::size_t longest_text = std::size_t{64} * 1024;

std::string read_file(const std::filesystem::path &file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Words of the text by which the catalogue it came from can be told: the longest ones.
std::vector<std::string_view> telling_words(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = text.find_first_not_of(" \t\r\n'\"/.,:()0123456789", at);
        if (begin == std::string_view::npos) break;
        const std::size_t end =
            std::min(text.find_first_of(" \t\r\n'\"/.,:()0123456789", begin), text.size());
        if (end - begin >= 6)
            words.push_back(text.substr(begin, std::min<std::size_t>(end - begin, 24)));
        at = end;
    }
    std::stable_sort(words.begin(), words.end(),
                     [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
    if (words.size() > 8) words.resize(8);
    return words;
}

} // namespace

std::optional<led_back> lead_back(std::string_view text, const std::filesystem::path &locales) {
    if (text.empty() || text.size() > longest_text) return std::nullopt;
    const auto words = telling_words(text);
    std::error_code ignored; // no such folder: no catalogue
    std::string best;
    std::filesystem::path best_folder;
    std::size_t best_score = 0;
    for (const auto &language : std::filesystem::directory_iterator(locales, ignored)) {
        const std::filesystem::path file = language.path() / "LC_MESSAGES" / "libvirt.mo";
        if (!std::filesystem::is_regular_file(file, ignored)) continue;
        std::string mo = read_file(file);
        std::size_t score = 0;
        for (const std::string_view word : words) {
            if (mo.find(word) != std::string::npos) score += word.size();
        }
        if (score > best_score) {
            best_score = score;
            best = std::move(mo);
            best_folder = language.path();
        }
    }
    if (best_score == 0) return std::nullopt;
    diagnosis::translator known;
    if (!known.add(best)) return std::nullopt;
    const std::string libc = read_file(best_folder / "LC_MESSAGES" / "libc.mo");
    if (!libc.empty() && !known.add(libc)) return std::nullopt;
    known.finish();
    led_back out{.text = {}, .language = best_folder.filename().string()};
    bool any = false;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        const auto original = known.original(line);
        any = any || original.has_value();
        out.text += original ? *original : std::string(line);
        if (end < text.size()) out.text += '\n';
        begin = end + 1;
    }
    if (!any) return std::nullopt;
    return out;
}

} // namespace kvmig::lab::cli
