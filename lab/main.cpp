// SPDX-License-Identifier: MIT
#include <lab/cli/cli.hpp>

int main(int argc, char *argv[]) { return kvmig::lab::cli::run(argc, argv); }
