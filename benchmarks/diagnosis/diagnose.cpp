// SPDX-License-Identifier: MIT
// Diagnosis: bytes of log a second against the whole catalogue, one message, and making it ready.
#include <kvmig/diagnosis/diagnose.hpp>

#include <benchmark/benchmark.h>
#include <string>

namespace {

using namespace kvmig::diagnosis;

/// A journal of about `size` bytes in which nothing is wrong.
std::string healthy_log(std::size_t size) {
    const std::string lines =
        "May 20 10:00:00 kvm01 kernel: br0: port 2(vnet0) entered forwarding state\n"
        "May 20 10:00:01 kvm01 systemd[1]: Started machine-qemu-1-vm1.scope - Virtual Machine.\n"
        "2024-05-20 09:59:00.010+0000: 908: info : qemuMonitorSend:864 : QEMU_MONITOR_SEND_MSG: "
        "mon=0x7f3a msg={\"execute\":\"query-migrate\",\"id\":\"libvirt-417\"} fd=-1\n"
        "May 20 10:00:05 kvm01 sshd[2200]: Accepted publickey for root from 192.0.2.12 port 51514\n"
        "May 20 10:03:03 kvm01 postfix/smtp[5100]: connect to mx.lab[192.0.2.80]:25: timed out\n";
    std::string text;
    while (text.size() < size) text += lines;
    return text;
}

void whole_log(benchmark::State &state) {
    kvmig::evidence all;
    all.texts.push_back({.text = healthy_log(static_cast<std::size_t>(state.range(0)))});
    const std::size_t size = all.texts.front().text.size();
    for (auto _ : state) benchmark::DoNotOptimize(diagnose(all));
    state.SetBytesProcessed(static_cast<std::int64_t>(size) * state.iterations());
}
BENCHMARK(whole_log)->Arg(1 << 20)->Arg(16 << 20)->Unit(benchmark::kMillisecond);

void one_message(benchmark::State &state) {
    kvmig::evidence all;
    all.texts.push_back(
        {.text = "error: unable to connect to server at 'kvm02:49152': No route to host\n"});
    for (auto _ : state) benchmark::DoNotOptimize(diagnose(all));
}
BENCHMARK(one_message)->Unit(benchmark::kMicrosecond);

void wrapped_message(benchmark::State &state) {
    kvmig::evidence all;
    all.texts.push_back({.text = "error: operation failed: domain 'vm1' already\nexists with uuid "
                                 "4dea22b3-1d52-d8f3-2516-782e98ab3fa0\n"});
    for (auto _ : state) benchmark::DoNotOptimize(diagnose(all));
}
BENCHMARK(wrapped_message)->Unit(benchmark::kMicrosecond);

void ready_to_match(benchmark::State &state) {
    for (auto _ : state) {
        const rules fresh;
        benchmark::DoNotOptimize(&fresh);
    }
}
BENCHMARK(ready_to_match)->Unit(benchmark::kMicrosecond);

} // namespace

BENCHMARK_MAIN();
