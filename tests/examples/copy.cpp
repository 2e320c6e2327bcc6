// SPDX-License-Identifier: MIT
// copy FROM TO: an image, each end a path or nfs://SERVER/EXPORT/FILE; holes stay holes, and TO has
// its name only when it is whole.
#include <kvmig/run/copy.hpp>

#include <iostream>

int main(int argc, char *argv[]) {
    if (argc != 3) return std::cerr << "usage: copy FROM TO\n", 2;
    const auto show = [](const kvmig::run::copy_state &now) {
        std::cerr << now.done.as_mib() << " of " << now.total.as_mib() << " MiB\r";
    };
    const auto done = kvmig::run::copy_image(argv[1], argv[2], {.replace = true}, show);
    if (!done) return std::cerr << describe(done.error()) << '\n', 1;
    std::cout << done->format << ", " << done->size.count() << " bytes, of which "
              << done->written.count() << " were written\n";
}
