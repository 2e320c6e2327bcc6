# SPDX-License-Identifier: MIT
"""A run (kvmig.run/1) with all that the page draws, in the shape that the lab writes: migrations with
samples, transitions and witnesses, strategies side by side, curves, a failure with its diagnosis,
and texts that would like to be markup."""

import math

HOSTILE = "</script><script>document.title = 'broken out'</script><img src=x onerror=alert(1)>\u2028<b>"
MIB = 1 << 20
STATES = ["planned", "preparing", "beginning", "copying_disks", "pre_copy", "switching_over",
          "reconciling_forward", "releasing", "completed"]


def transitions(ends):
    """`ends` names the state and when it ends, in ms."""
    steps = [{"at": -3.5, "from": "planned", "on": "prepare_requested", "to": ends[0][0]}]
    for (state, at), (following, _) in zip(ends, ends[1:] + [("completed", 0)]):
        steps.append({"at": at, "from": state, "on": "told", "to": following})
    return steps


def samples(total_ms, disk_ms, memory, disk, sent_rate, dirty_rate, throttled, working_set=24 * MIB):
    """Disks first, then passes over memory, each what was dirtied in the one before it."""
    out, left, moved, now, pass_number, carried = [], memory, 0, disk_ms, 1, 0.0
    for at in range(250, disk_ms, 250):
        out.append({"type": "unbounded", "operation": "migration_out", "since_start": at,
                    "memory_total": 0, "memory_processed": 0, "memory_remaining": 0, "iteration": 0,
                    "disk_total": disk, "disk_processed": disk * at // disk_ms,
                    "disk_remaining": disk - disk * at // disk_ms})
    while now < total_ms - 700:
        throttle = min(99, 20 + 10 * (pass_number - 2)) if throttled and pass_number > 1 else 0
        dirty = dirty_rate * (1 - throttle / 100)
        step = sent_rate * 0.25
        moved, left, carried = moved + step, left - step, min(working_set, carried + dirty * 0.25)
        if left <= 0:
            pass_number += carried > MIB // 2
            left, carried = carried, 0.0
        now += 250
        sample = {"type": "unbounded", "operation": "migration_out", "since_start": now,
                  "time_elapsed": now, "memory_total": memory, "memory_processed": int(moved),
                  "memory_remaining": max(0, int(left)), "memory_page_size": 4096, "downtime": 300,
                  "memory_bps": int(sent_rate), "memory_iteration": pass_number,
                  "memory_dirty_rate": int(dirty / 4096) if pass_number > 1 else 0,
                  "iteration": pass_number}
        if disk:
            sample |= {"disk_total": disk, "disk_processed": disk, "disk_remaining": 0}
        if throttle:
            sample["auto_converge_throttle"] = throttle
        out.append(sample)
    return out


def witnesses(total_ms, gap, watched_for):
    """`gap` is (from, length) in ms since the migration began."""
    away = (watched_for + gap[0], watched_for + gap[0] + gap[1])
    there = lambda at: not away[0] < at < away[1]
    wobble = lambda at: 3 * abs(math.sin(at * 0.7)) + (35 * abs(math.sin(at / 950)) ** 9)
    until = int(watched_for + total_ms + 1500)
    arrivals, at, number = [], -800.0, 70
    while at < until:
        if there(at):
            arrivals.append([round(at, 3), number])
            number += 1
        at += 10 + wobble(at) * 0.3
    pings = [[float(t), round(1 + wobble(t), 3) if there(t) else None] for t in range(0, until, 100)]
    trips = [[float(t), round(2 + wobble(t) if there(t) and there(t + 50) else away[1] - t, 3)]
             for t in range(0, until, 50) if there(t)]
    counts = [0] * 36
    counts[9], counts[10], counts[12], counts[13], counts[15], counts[18] = 40, 21000, 310, 44, 7, 1
    return {
        "heartbeat": {"received": len(arrivals), "lost": 0, "reordered": 0, "duplicates": 0,
                      "conflicts": 0, "implausible": 0, "arrivals": arrivals},
        "pings": {"sent": len(pings), "answered": sum(p[1] is not None for p in pings),
                  "duplicates": 0, "strangers": 0, "pings": pings},
        "tcp session": {"boot_id": "b", "asked": len(trips), "answered": len(trips),
                        "connected_ms": -500.0, "longest_round_trip_ms": gap[1], "waiting_ms": 0.0,
                        "longest_asked_ms": away[0], "round_trips": trips},
        "guest": {"name": "vm1", "kernel": "6.1.0", "uptime_ns": 1, "monotonic_ns": 1,
                  "stalls": {"count": sum(counts), "longest_ns": int(gap[1] * 0.6e6),
                             "longest_at_ns": 1, "since_ns": 0, "counts": counts}}}


def migration(to, total_ms, *, memory=128 * MIB, disk=0, disk_ms=1200, sent=7.4 * MIB,
              dirty=1.4 * MIB, throttled=False):
    """The raw samples of one move, by the names of their kinds, and its figures."""
    gap, watched_for = (total_ms - 900, 640.0), 180.0
    ends = [("preparing", 40), ("beginning", min(disk_ms, 1200))]
    if disk:
        ends.append(("copying_disks", disk_ms))
    ends += [("pre_copy", total_ms - 880), ("switching_over", total_ms - 210),
             ("reconciling_forward", total_ms - 90), ("releasing", total_ms)]
    statistics = {"type": "completed", "downtime": 412, "downtime_net": 371,
                  "memory_processed": memory, "memory_iteration": 4, "time_elapsed": total_ms}
    host = {"driver": "QEMU", "libvirt": "9.0.0"}
    raw = witnesses(total_ms, gap, watched_for)
    raw["migration"] = {
        "schema": "kvmig.migrate/1", "outcome": "migrated", "state": "completed",
        "domain": {"name": "vm1", "uuid": "c7a5fdbd-edaf-9455-926a-d65c16db1809"},
        "source": {"hostname": "kvm01" if to == "kvm02" else "kvm02", "uri": "qemu+ssh://a", **host},
        "destination": {"hostname": to, "uri": "qemu+ssh://b", **host},
        "wall_time": total_ms, "watched_for": watched_for, "transitions": transitions(ends),
        "statistics": {"source": statistics}, "gaps": [], "events": True,
        "cancelled_too_late": False, "guest": {"side": "destination"}, "steered": [],
        "samples": samples(total_ms, disk_ms, memory, disk, sent, dirty, throttled)}
    if throttled:
        raw["migration"]["steered"] = [{"at": 9000, "what": "allow_downtime", "reason": "slow", "downtime": 600}]
    told = {"wall time": (total_ms, "ms"), "downtime by libvirt": (412, "ms"),
            "memory moved": (memory, "bytes"), "memory iterations": (4, "count"),
            "longest stall inside": (gap[1] * 0.6, "ms"), "heartbeat gap outside": (gap[1], "ms"),
            "ping outage": (600, "ms")}
    if disk:
        told["disk copied"] = (disk, "bytes")
    return raw, told


def failed_migration(total_ms):
    """What is kept of one that did not succeed, until the link was cut."""
    raw = witnesses(total_ms, (total_ms - 900, 300.0), 180.0)
    raw["guest"]["stalls"]["placed"] = [[total_ms - 700.0, total_ms - 400.0, 120.0]]
    ends = [("preparing", 40), ("beginning", 900), ("pre_copy", total_ms - 300),
            ("reconciling_back", total_ms - 100)]
    steps = transitions(ends)[:-1] + [{"at": total_ms - 100, "from": "reconciling_back", "on": "guest_at_source", "to": "failed"}]
    raw["migration"] = {
        "schema": "kvmig.migrate/1", "outcome": "failed", "source": {"hostname": "kvm01"},
        "destination": {"hostname": "kvm02"}, "wall_time": float(total_ms), "watched_for": 180.0,
        "transitions": steps, "samples": samples(total_ms, 900, 128 * MIB, 0, 4 * MIB, MIB, False),
        "error": {"kind": "unreachable", "what": "the migration failed", "causes": [{"kind": "io", "what": "the stream broke " + HOSTILE}]},
        "told": [{"at": 900.5, "host": "kvm02", "what": "started (migrated)"},
                 {"at": total_ms - 250.0, "host": "kvm02", "what": "stopped (failed)"}]}
    return raw


def scenario(name, moves, **more):
    out = {"id": name, "outcome": "passed", "reason": "", "failed_before": [], "seconds": 101.9,
           "proofs": [], "figures": [], "samples": {}}
    for prefix, (raw, told) in moves.items():
        out["samples"] |= {prefix + key: value for key, value in raw.items()}
        out["figures"] += [{"name": prefix + key, "value": value, "unit": unit}
                           for key, (value, unit) in told.items()]
        out["proofs"] += [{"name": prefix + "memory intact", "passed": True, "seen": "12288 pages, 0 bad"},
                          {"name": prefix + "same boot id", "passed": True, "seen": "one before, one after"}]
    return out | more


def failure():
    cause = {"id": "KVM-NET-001", "topic": "network", "title": "The destination's firewall rejects the port",
             "confidence": "likely", "evidence": ["No route to host " + HOSTILE], "cause": "A rule rejects it.",
             "remedy": ["firewall-cmd --reload"], "corrects": "", "look": "", "seen": 1, "clues": [],
             "steps": [{"on": "destination", "run": "firewall-cmd --permanent --add-port=49152-49215/tcp", "note": "runtime too"}],
             "values": {}}
    said = "error: unable to connect to server at 'kvm02:49152': No route to host"
    diagnosis = {"schema": "kvmig.diagnosis/1", "causes": [cause], "symptoms": [], "unexplained": []}
    return scenario("fail-no-route", {"mended: ": migration("kvm02", 21000)}, outcome="failed",
                    reason="1 of 4 proofs did not pass " + HOSTILE, failed_before=["the guest was silent"]) | {
        "proofs": [{"name": "virsh: the migration fails", "passed": True, "seen": said},
                   {"name": HOSTILE, "passed": False, "seen": HOSTILE}]} | {
        "samples": {"virsh says": said, "virsh: diagnosis": diagnosis,
                    "remedy": ["destination: firewall-cmd --reload"],
                    "foreseen": {"found": ["KVM-NET-001: port 49152 is rejected " + HOSTILE],
                                 "expected": "KVM-NET-001", "cannot": ""},
                    **{"refused: " + key: value for key, value in failed_migration(9000).items()},
                    **{"mended: " + key: value for key, value in migration("kvm02", 21000)[0].items()}}}


def merging():
    """Three ways to merge the same pages, and none."""
    def curve(most, per_second, cpu):
        return [{"s": float(at), "saved": int(min(most, per_second * at)), "ksmd_cpu_s": cpu * at}
                for at in range(0, 120, 15)]
    ways = {"off": curve(0, 0, 0), "kernel default": curve(250 * MIB, 2.4 * MIB, 0.09),
            "ksmtuned": curve(250 * MIB, 2 * MIB, 0.06), "policy": curve(250 * MIB, 3 * MIB, 0.06)}
    return scenario("bench-ksm", {}, samples={f"{name}: merging": looks for name, looks in ways.items()})


def whole_run():
    cold = {"schema": "kvmig.migrate/1", "outcome": "migrated", "wall_time": 24800, "downtime": 20849,
            "source": {"hostname": "kvm01"}, "destination": {"hostname": "kvm02"}, "proof": "the same",
            "transitions": transitions([("preparing", 30), ("stopping", 9100), ("verifying", 9900),
                                        ("defining", 11200), ("starting", 22100), ("releasing", 24700)])}
    rates = {f"{mbit} Mbit/s: ": migration("kvm02", wall, sent=min(7.4, mbit / 8) * MIB, dirty=0.04 * MIB)
             for mbit, wall in ((1000, 22000), (100, 23500), (10, 118000))}
    return {
        "schema": "kvmig.run/1",
        "environment": {"time": "2026-11-22T10:51:11Z", "kvmig": "0.1.0", "acceleration": "tcg",
                        "release": "bookworm", "cpu": "A \"processor\" <&> more", "cpus": 2,
                        "memory_bytes": 25274793984, "load": [2.5, 2.25, 2], "kernel": "6.1.0",
                        "qemu": "QEMU emulator version 7.2.22",
                        "host": {"kernel": "6.1.0", "libvirt": "libvirtd (libvirt) 9.0.0", "qemu": "7.2.22"}},
        "scenarios": [
            scenario("cold-shared", {"there: ": ({"migration": cold}, {"wall time": (24800, "ms"), "shut off": (20849, "ms")})}),
            scenario("live-shared", {"there: ": migration("kvm02", 23600), "back: ": migration("kvm01", 22900, dirty=0.9 * MIB)}),
            scenario("live-block", {"there: ": migration("kvm02", 34000, disk=512 * MIB, disk_ms=12000)}),
            scenario("live-converge", {
                "unaided: ": ({key: value for key, value in migration("kvm02", 15000)[0].items() if key != "migration"},
                              {"told after": (15.5, "s")}),
                "auto-converge: ": migration("kvm02", 88000, sent=4 * MIB, dirty=11 * MIB, throttled=True)}),
            scenario("live-100mbit", rates),
            failure(), merging(),
            scenario("live-passthrough", {}, outcome="skipped", reason="no second host CPU", seconds=0, samples=None)]}
