// SPDX-License-Identifier: MIT
// What a lab was made from, kept in its folder.
#include <lab/machine/lifecycle.hpp>
#include <lab/topology/files.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kvmig::lab {

expected<void> write_settings(const lab_paths &paths, const lab_settings &settings) {
    const nlohmann::json json{
        {"release", settings.release},
        {"acceleration", {{"kvm", settings.accel.kvm}, {"reason", settings.accel.reason}}},
        {"image",
         {{"directory", settings.image.directory.string()}, {"digest", settings.image.digest}}},
        {"guest",
         {{"digest", settings.guest_digest}, {"initramfs", settings.guest_initramfs.string()}}},
        {"host_uuids", settings.host_uuids},
    };
    return write_file(paths.settings(), json.dump(1) + "\n");
}

expected<lab_settings> read_settings(const lab_paths &paths) {
    auto text = read_file(paths.settings());
    if (!text) {
        return fail(
            make_error(error_kind::not_found, fmt::format("there is no lab '{}'", paths.name))
                .advise(fmt::format("kvmig lab up --lab {}", paths.name)));
    }
    try {
        const auto json = nlohmann::json::parse(*text);
        lab_settings settings;
        settings.release = json.at("release").get<std::string>();
        settings.accel = {json.at("acceleration").at("kvm").get<bool>(),
                          json.at("acceleration").at("reason").get<std::string>()};
        settings.image = {json.at("image").at("directory").get<std::string>(),
                          json.at("image").at("digest").get<std::string>()};
        settings.guest_digest = json.at("guest").at("digest").get<std::string>();
        settings.guest_initramfs = json.at("guest").at("initramfs").get<std::string>();
        for (const auto &[name, value] : json.at("host_uuids").items()) {
            settings.host_uuids.emplace(name, value.get<std::string>());
        }
        return settings;
    } catch (const nlohmann::json::exception &problem) {
        return fail(
            make_error(error_kind::io,
                       fmt::format("{} is damaged: {}", paths.settings().string(), problem.what()))
                .advise(fmt::format("kvmig lab down --purge --lab {}", paths.name)));
    }
}

} // namespace kvmig::lab
