// SPDX-License-Identifier: MIT
/// Rules: whether the source's daemon can lead the migration. Silent where it is not to.
#pragma once

#include <kvmig/model/connection_uri.hpp>
#include <kvmig/precheck/rule.hpp>

#include <array>
#include <range/v3/algorithm/any_of.hpp>
#include <string>
#include <string_view>

namespace kvmig::precheck::rules {

/// What of OpenSSH's and libssh's words says that the destination's key is not trusted.
inline constexpr std::array<std::string_view, 3> host_key_words = {
    "Host key verification failed", "HOST KEY VERIFICATION FAILED", "SSH host key for"};
/// And that no key of the source's is.
inline constexpr std::array<std::string_view, 3> denied_words = {
    "Permission denied (", "Too many authentication failures", "authentication methods"};

/// Why the source could not open the destination; null where it could, or nobody knows.
[[nodiscard]] inline const std::string *refusal_of_peer(const facts &f) {
    if (!f.peer || !f.peer->connection.known() || f.peer->connection->opened) return nullptr;
    return &f.peer->connection->said;
}

/// Whether `said` holds one of `words`.
template <std::size_t size>
[[nodiscard]] bool says(const std::string &said, const std::array<std::string_view, size> &words) {
    return ranges::any_of(
        words, [&](std::string_view each) { return said.find(each) != std::string::npos; });
}

/// The login and the host by which the source goes to the destination over SSH.
struct peer_login {
    std::string host;  ///< as ssh(1) and ssh-keyscan(1) take it
    std::string login; ///< `USER@HOST`, or the host alone
};

/// Of a URI that names none, in words to be filled in.
[[nodiscard]] inline peer_login login_of_peer(const facts &f) {
    const auto uri = model::connection_uri::parse(f.peer->uri);
    if (!uri || !uri->remote()) return {"HOST", "root@HOST"};
    const model::uri_authority &to = uri->authority;
    return {to.host, to.user.empty() ? to.host : to.user + '@' + to.host};
}

/// That the source's daemon does not get in, and what must succeed once it does.
[[nodiscard]] inline observations stuck_peer(const facts &f, const std::string &said,
                                             std::vector<std::string> remedy) {
    remedy.push_back(ssh(f.source, "virsh -c " + shell_word(f.peer->uri) + " uri"));
    return {{severity::blocks, f.source.name,
             "opening " + f.peer->uri + " there, as root: " + (said.empty() ? "it failed" : said),
             std::move(remedy)}};
}

/// Prevents that SSH, as root on the source, does not trust the destination's key, and can ask
/// nobody.
inline observations look_peer_host_key(const facts &f) {
    const std::string *said = refusal_of_peer(f);
    if (said == nullptr || !says(*said, host_key_words)) return {};
    const std::string host = shell_word(login_of_peer(f).host);
    return stuck_peer(f, *said,
                      {ssh(f.source, "ssh-keygen -R " + host),
                       ssh(f.source, "ssh-keyscan -H " + host + " >>/root/.ssh/known_hosts")});
}

inline constexpr rule peer_host_key{
    "KVM-NET-008", "The destination's SSH host key is not known or has changed",
    "With --p2p the source's daemon opens the destination by itself: what root on the source knows "
    "and may counts, not what you do.",
    "OpenSSH: 'Host key verification failed.'", look_peer_host_key};

/// Prevents that the destination accepts no key that root on the source has.
inline observations look_peer_denied(const facts &f) {
    const std::string *said = refusal_of_peer(f);
    if (said == nullptr || says(*said, host_key_words) || !says(*said, denied_words)) return {};
    return stuck_peer(f, *said,
                      {ssh(f.source, "ssh-copy-id " + shell_word(login_of_peer(f).login))});
}

inline constexpr rule peer_denied{
    "KVM-NET-009", "SSH does not let us in",
    "With --p2p the source's daemon logs in at the destination by itself, with the keys of root on "
    "the source; nobody can type a password.",
    "OpenSSH: 'Permission denied (publickey,password).'", look_peer_denied};

/// Prevents that the source's daemon cannot open the destination for whatever other reason.
inline observations look_peer_stuck(const facts &f) {
    if (!f.peer) return {};
    if (!f.peer->connection.known()) {
        return {missing(f.source, "whether the source's daemon can open the destination",
                        f.peer->connection,
                        {ssh(f.source, "virsh -c " + shell_word(f.peer->uri) + " uri")})};
    }
    const std::string *said = refusal_of_peer(f);
    if (said == nullptr || says(*said, host_key_words) || says(*said, denied_words)) return {};
    return stuck_peer(f, *said, {});
}

inline constexpr rule peer_stuck{
    "KVM-NET-101", "The source's daemon cannot open the destination",
    "With --p2p the source's daemon opens the destination by itself, by its own way, keys and "
    "certificates.",
    "libvirt, docs/migration: managed peer to peer migration", look_peer_stuck};

} // namespace kvmig::precheck::rules
