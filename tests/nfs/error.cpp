// SPDX-License-Identifier: MIT
#include <kvmig/nfs/error.hpp>
#include <support/catch.hpp>

#include <cerrno>

using namespace kvmig;

TEST_CASE("the true number of a failed read or write is read out of libnfs' text") {
    CHECK(nfs::read_answer(-EFAULT, nullptr, "NFS: Write failed with NFS3ERR_NOSPC(-28)").number ==
          ENOSPC);
    CHECK(
        nfs::read_answer(-EFAULT, "no text", "NFS: Read failed with NFS3ERR_STALE(-116)").number ==
        ESTALE);
    CHECK(nfs::read_answer(-EFAULT, nullptr, "RPC error: Not connected").number == ECONNRESET);
    CHECK(nfs::read_answer(-EFAULT, nullptr, nullptr).number == ECONNRESET);
    CHECK(nfs::read_answer(-EFAULT, nullptr, "NFS3ERR_IO").number == EIO);
    CHECK(nfs::read_answer(-EFAULT, nullptr, "NFS3ERR_IO(").number == EIO);
    CHECK(nfs::read_answer(-EFAULT, nullptr, "NFS3ERR_IO(-x").number == EIO);
    CHECK(nfs::read_answer(-EFAULT, nullptr, "NFS: Write failed with NFS3ERR_DQUOT(-34)").number ==
          EDQUOT);
    CHECK(nfs::read_answer(-ERANGE, "NFS: CREATE failed with NFS3ERR_DQUOT(-34)", nullptr).number ==
          EDQUOT);
    // Any other number is libnfs' own word.
    CHECK(nfs::read_answer(-ENOENT, "NFS3ERR_STALE(-116)", nullptr).number == ENOENT);
}

TEST_CASE("the protocol's status is found in a text") {
    CHECK(nfs::status_name("NFS: Lookup of /a failed with NFS3ERR_NOENT(-2)") == "NFS3ERR_NOENT");
    CHECK(nfs::status_name("MNT3ERR_ACCES(Permission denied)") == "MNT3ERR_ACCES");
    CHECK(nfs::status_name("NFS4ERR_EXPIRED") == "NFS4ERR_EXPIRED");
    CHECK(nfs::status_name("Socket failed with POLLHUP").empty());
}

TEST_CASE("a server that asks for patience is told from one that refuses") {
    const auto asks = [](const char *text) { return nfs::asks_for_patience({EIO, text}); };
    CHECK(asks("NFS: SETATTR failed with NFS3ERR_JUKEBOX(-11)"));
    CHECK(asks("NFS4ERR_DELAY"));
    CHECK(asks("LOCK failed with NFS4ERR_GRACE"));
    CHECK_FALSE(asks("NFS3ERR_STALE(-116)"));
    CHECK_FALSE(asks("NFS4ERR_NO_GRACE"));
    CHECK_FALSE(asks(""));

    const error later = nfs::failure("writing", "/x", "server", {EIO, "NFS3ERR_JUKEBOX(-11)"});
    CHECK(later.kind == error_kind::unreachable);
    CHECK(later.remedy.find("not ready") != std::string::npos);
    CHECK(nfs::failure("writing", "/x", "server", {EIO, "NFS3ERR_IO(-5)"}).kind == error_kind::io);
}
