// SPDX-License-Identifier: MIT
/// The agent itself: the workload, what observes it from inside, and those who answer for it.
#pragma once

#include <kvmig/core/expected.hpp>
#include <lab/guest/agent/console.hpp>
#include <lab/guest/agent/control_server.hpp>
#include <lab/guest/agent/disk_worker.hpp>
#include <lab/guest/agent/echo_server.hpp>
#include <lab/guest/agent/heartbeat_sender.hpp>
#include <lab/guest/agent/memory_worker.hpp>
#include <lab/guest/agent/sockets.hpp>
#include <lab/guest/agent/stall_watch.hpp>
#include <lab/guest/messages.hpp>
#include <lab/guest/settings.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace kvmig::lab::guest {

class workload_agent {
public:
    /// Starts everything, the servers on `listen` (empty: on every address). A part that cannot
    /// start is told as a fault, on the console and in the status, and the others go on; only
    /// without its servers is there no agent.
    [[nodiscard]] static expected<std::unique_ptr<workload_agent>>
    start(const guest_settings &settings, const std::string &listen,
          std::vector<std::string> faults, console &out);

    /// Readable once a client has asked for the end.
    [[nodiscard]] int shutdown_descriptor() const noexcept { return shutdown_.descriptor(); }

    /// Ends what writes to the disk and brings it up to date, at most until `deadline`.
    void finish(std::chrono::steady_clock::time_point deadline);

private:
    workload_agent(const guest_settings &settings, const uuid &boot_id,
                   std::vector<std::string> faults, console &out);
    [[nodiscard]] expected<nlohmann::json> handle(const request &asked);
    [[nodiscard]] expected<nlohmann::json> change(const nlohmann::json &with);
    [[nodiscard]] expected<nlohmann::json> on_disk(const request &asked);
    [[nodiscard]] expected<nlohmann::json> damage(const request &asked);
    [[nodiscard]] expected<void> need_memory() const;
    [[nodiscard]] expected<void> need_disk() const;
    [[nodiscard]] guest_status status() const;
    void say_verdict(const char *of, std::string verdict, std::string &last);
    void report(const std::stop_token &stop);
    void add_fault(const error &err);

    guest_settings settings_;
    uuid boot_id_;
    std::string kernel_;
    console &out_;
    std::vector<std::string> faults_; ///< fixed once the servers have started
    raised_flag shutdown_;
    std::mutex verdicts_;
    std::string memory_verdict_ = "unchecked"; ///< under `verdicts_`, as the next
    std::string disk_verdict_ = "unchecked";
    stall_watch stalls_;
    std::unique_ptr<memory_worker> memory_; ///< none when there is a fault
    std::unique_ptr<disk_worker> disk_;     ///< none without a disk
    std::unique_ptr<heartbeat_sender> heartbeat_;
    std::unique_ptr<echo_server> echo_;
    std::unique_ptr<control_server> control_;
    std::jthread reporter_; ///< last: it uses everything above
};

} // namespace kvmig::lab::guest
