// SPDX-License-Identifier: MIT
#include <lab/guest/guest_image.hpp>
#include <lab/image/cache.hpp>
#include <lab/machine/guest_files.hpp>

namespace kvmig::lab {

expected<made_guest> ensure_guest(const std::filesystem::path &cache, const root_image &image,
                                  const progress &tell, const std::stop_token &stop) {
    const auto agent = guest::find_agent();
    if (!agent) return fail(agent.error());
    const guest::guest_image_inputs inputs{.agent = *agent,
                                           .busybox = "/bin/busybox",
                                           .modules_root = image.modules_root(),
                                           .kernel = {}};
    auto digest = guest::guest_image_digest(inputs);
    if (!digest) return fail(std::move(digest).error());
    auto entry = cached(
        cache, "guest", *digest,
        [&](const std::filesystem::path &directory) {
            tell("making the guest's initramfs");
            return guest::build_guest_image(inputs, directory / "initramfs");
        },
        stop);
    if (!entry) return fail(std::move(entry).error());
    return made_guest{{image.kernel(), *entry / "initramfs"}, *std::move(digest)};
}

} // namespace kvmig::lab
