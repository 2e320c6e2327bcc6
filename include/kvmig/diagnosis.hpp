// SPDX-License-Identifier: MIT
/// All of `kvmig/diagnosis`: from the evidence of a failed migration to its causes.
#pragma once

/// @namespace kvmig::diagnosis
/// From the evidence of a failed migration to its causes and their remedies. Pure.

#include <kvmig/diagnosis/catalogue.hpp>
#include <kvmig/diagnosis/diagnose.hpp>
#include <kvmig/diagnosis/entry.hpp>
#include <kvmig/diagnosis/errno_text.hpp>
#include <kvmig/diagnosis/explain.hpp>
#include <kvmig/diagnosis/fold.hpp>
#include <kvmig/diagnosis/from_error.hpp>
#include <kvmig/diagnosis/match.hpp>
#include <kvmig/diagnosis/matcher.hpp>
#include <kvmig/diagnosis/remedy.hpp>
#include <kvmig/diagnosis/report.hpp>
#include <kvmig/diagnosis/resolve.hpp>
#include <kvmig/diagnosis/rules.hpp>
#include <kvmig/diagnosis/scan_text.hpp>
#include <kvmig/diagnosis/signs.hpp>
#include <kvmig/diagnosis/text_template.hpp>
#include <kvmig/diagnosis/topic.hpp>
#include <kvmig/diagnosis/translation.hpp>
