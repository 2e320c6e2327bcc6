// SPDX-License-Identifier: MIT
// Any bytes through diagnosis and through the reader of message catalogues. Built by clang++ with
// -fsanitize=fuzzer,address,undefined.
#include <kvmig/diagnosis/diagnose.hpp>
#include <kvmig/diagnosis/translation.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text(data, data + size);
    const auto found = kvmig::diagnosis::diagnose(text);
    for (const auto &one : found.causes) {
        if (one.about == nullptr || one.evidence.empty()) std::abort();
        for (const auto &seen : one.evidence) {
            if (seen.offset > text.size()) std::abort();
        }
        for (const auto &todo : one.remedy) {
            // A command of a remedy is one line, whatever was in the message.
            if (todo.run.find('\n') != std::string::npos) std::abort();
        }
    }
    // A bound that no input may pass: the work is linear.
    if (found.work > 20'000 * (size + 100)) std::abort();
    kvmig::diagnosis::translator known;
    if (known.add(text)) {
        known.finish();
        (void)known.original(text);
    }
    return 0;
}
