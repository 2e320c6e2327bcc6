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
