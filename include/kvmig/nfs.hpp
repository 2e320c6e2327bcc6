// SPDX-License-Identifier: MIT
/// NFS through libnfs: exports, contexts, files.
#pragma once

/// @namespace kvmig::nfs
/// NFS servers, reached through libnfs without a mount.

#include <kvmig/nfs/api.hpp>
#include <kvmig/nfs/context.hpp>
#include <kvmig/nfs/error.hpp>
#include <kvmig/nfs/exports.hpp>
#include <kvmig/nfs/file.hpp>
#include <kvmig/nfs/lock.hpp>
#include <kvmig/nfs/quiet_pipe.hpp>
#include <kvmig/nfs/session.hpp>
#include <kvmig/nfs/small_file.hpp>
#include <kvmig/nfs/window.hpp>
