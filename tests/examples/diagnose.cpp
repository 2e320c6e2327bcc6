// SPDX-License-Identifier: MIT
// diagnose TEXT: names the causes of a failure from its message, and what to do.
#include <kvmig/diagnosis.hpp>

#include <iostream>

int main(int argc, char *argv[]) {
    if (argc != 2) return std::cerr << "usage: diagnose TEXT\n", 2;
    const auto report = kvmig::diagnosis::diagnose(argv[1]);
    for (const auto &cause : report.causes) {
        std::cout << cause.about->id << ": " << cause.about->title << '\n';
        for (const auto &step : cause.remedy) std::cout << "  " << step.run << '\n';
    }
    return report.causes.empty() ? 1 : 0;
}
