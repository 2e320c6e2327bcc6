// SPDX-License-Identifier: MIT
/// What a domain needs of its host beyond disks, interfaces and memory: parts of domain XML that
/// decide whether it can move.
#pragma once

#include <kvmig/model/domain.hpp>
#include <kvmig/xml/document.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvmig::xml::detail {

/// Whether an attribute of libvirt's yes-and-no kind says yes.
[[nodiscard]] inline bool says_yes(const pugi::xml_attribute &attribute) {
    return std::string_view(attribute.as_string("no")) == "yes";
}

/// CPU features, the frequency of the TSC, and how Hyper-V's features are chosen.
inline expected<void> read_cpu_needs(const document &doc, const pugi::xml_node &root,
                                     model::domain &into) {
    for (const pugi::xml_node &each : root.child("cpu").children("feature")) {
        into.cpu_features.push_back(
            {each.attribute("name").value(), each.attribute("policy").value()});
    }
    for (const pugi::xml_node &each : root.child("clock").children("timer")) {
        const pugi::xml_attribute frequency = each.attribute("frequency");
        if (std::string_view(each.attribute("name").value()) != "tsc" || !frequency) continue;
        auto hertz = doc.natural(each, frequency.value());
        if (!hertz) return fail(std::move(hertz).error());
        into.tsc_frequency = *hertz;
    }
    if (const pugi::xml_node hyperv = root.child("features").child("hyperv")) {
        into.hyperv_mode = hyperv.attribute("mode").as_string("custom");
    }
    return {};
}

/// Devices that a migration treats in a way of their own.
inline void read_special_devices(const pugi::xml_node &devices, model::domain &into) {
    for (const pugi::xml_node &each : devices.children("memory")) {
        const std::string_view address = each.child("address").attribute("type").value();
        into.memory_devices.push_back({each.attribute("model").value(), address == "dimm"});
    }
    for (const pugi::xml_node &each : devices.children("shmem")) {
        into.shared_memories.push_back({each.attribute("name").value(),
                                        each.child("model").attribute("type").value(),
                                        each.attribute("role").value()});
    }
    for (const pugi::xml_node &each : devices.children("tpm")) {
        into.tpms.push_back({each.child("backend").attribute("type").value()});
    }
    for (const pugi::xml_node &each : devices.children("video")) {
        const pugi::xml_node model = each.child("model");
        into.videos.push_back({model.attribute("type").value(),
                               says_yes(model.child("acceleration").attribute("accel3d"))});
    }
    for (const pugi::xml_node &each : devices.children("channel")) {
        into.channels.emplace_back(each.attribute("type").value());
    }
}

/// Adds a text once.
inline void add_once(std::vector<std::string> &to, std::string text) {
    if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(std::move(text));
}

/// Gathers the secrets that elements refer to: disks' and host devices' `<secret>`, and the
/// `<encryption secret='…'>` of a TPM.
class secret_finder : public pugi::xml_tree_walker {
public:
    explicit secret_finder(std::vector<std::string> &into) : into_(&into) {}

    bool for_each(pugi::xml_node &node) override {
        const std::string_view name = node.name();
        if (name == "encryption" && node.attribute("secret")) {
            add_once(*into_, node.attribute("secret").value());
        }
        if (name != "secret") return true;
        if (const pugi::xml_attribute id = node.attribute("uuid")) {
            add_once(*into_, id.value());
        } else if (const pugi::xml_attribute usage = node.attribute("usage")) {
            // The secret of an <encryption> is a volume's, whatever its own type says.
            const bool volume = std::string_view(node.parent().name()) == "encryption";
            const std::string type = volume ? "volume" : node.attribute("type").value();
            add_once(*into_, type + ":" + usage.value());
        }
        return true;
    }

private:
    std::vector<std::string> *into_;
};

/// Encrypted memory, security labels and secrets.
inline void read_security(const pugi::xml_node &root, model::domain &into) {
    into.launch_security = root.child("launchSecurity").attribute("type").value();
    for (const pugi::xml_node &each : root.children("seclabel")) {
        const bool none = std::string_view(each.attribute("type").value()) == "none";
        if (!none && each.attribute("model")) {
            add_once(into.security_models, each.attribute("model").value());
        }
    }
    secret_finder finder(into.secrets);
    root.child("devices").traverse(finder);
}

} // namespace kvmig::xml::detail
