#!/usr/bin/env bash
# `npm test`: everything that must hold, from a fresh clone. Every step runs even after one has failed,
# and the last line counts them all: each test of a suite counts as one, and so does each check that is
# not a suite (formatting, lints, sizes). A suite that ran no test has failed.
#
#   scripts/test.sh             all sections
#   scripts/test.sh SECTION…    some of: lint native proof browser page size e2e licences typos links
#
# licences needs cargo-deny, typos needs typos, and proof needs Coq, which is installed where that is
# ours to do; where they are not installed the summary says so. The workflow on GitHub has all of them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ $# -gt 0 ] || set -- lint native proof browser page size e2e licences typos links
SECTIONS=" $* "
for section in "$@"; do
  case "$section" in
    lint | native | proof | browser | page | size | e2e | licences | typos | links) ;;
    *) fail "there is no section $section: see scripts/test.sh" ;;
  esac
done
trap end_jobs EXIT
trap 'exit 130' INT TERM

# asked SECTION…: whether one of them is to run.
asked() {
  local section
  for section in "$@"; do [[ "$SECTIONS" == *" $section "* ]] && return; done
  return 1
}

# What waits for the network is fetched while the tools are built.
fetch_all() {
  ! asked lint native browser page size e2e || scripts/setup.sh packages || return 1
  ! asked native browser page e2e || scripts/setup.sh system || return 1
  # What is exported is read by others' programs: where they cannot be had, that check is left out.
  ! asked native || scripts/setup.sh interop || true
  # Coq takes half a gigabyte: where it cannot be had, the section is left out.
  ! asked proof || ! can_install || scripts/setup.sh proof || true
  ! asked native proof browser page size e2e || scripts/data.sh
}
! asked lint native proof browser page size e2e || scripts/setup.sh rust components
in_background fetched fetch_all
if asked browser; then scripts/setup.sh runner
elif asked page size e2e; then scripts/setup.sh bindgen
fi
collect fetched
CHROMIUM="$(chromium_path)"
export CHROMIUM
# A checker of certificates is run by tests where there is a Python that has NumPy.
LINF_PYTHON="$(python_path)"
[ -z "$LINF_PYTHON" ] || export LINF_PYTHON

LOGS="$(mktemp -d)"
trap 'rm -rf "$LOGS"; end_jobs' EXIT
PASSED=0
FAILED=0
SUMMARY=""

# finish TITLE SECONDS PASSED FAILED: adds a step to the totals.
finish() {
  PASSED=$((PASSED + $3))
  FAILED=$((FAILED + $4))
  SUMMARY="$SUMMARY$(printf '%6s s  %5d passed  %3d failed  %s' "$2" "$3" "$4" "$1")
"
  echo "-- $1: $3 passed, $4 failed, $2 s"
}

# check TITLE COMMAND…: a step that holds or does not.
check() {
  local title="$1" start=$SECONDS
  shift
  heading "$title"
  if "$@"; then finish "$title" $((SECONDS - start)) 1 0; else finish "$title" $((SECONDS - start)) 0 1; fi
}

# suite TITLE COUNTER COMMAND…: a step of many tests. COUNTER reads what the command printed and
# prints how many passed and how many failed.
suite() {
  local title="$1" counter="$2" start=$SECONDS log="$LOGS/suite" status=0 passed failed
  shift 2
  heading "$title"
  "$@" 2>&1 | tee "$log" || status=$?
  read -r passed failed <<<"$(sed 's/\x1b\[[0-9;]*m//g' "$log" | "$counter")"
  # A command that fails without naming a test did not build, or died; one that passes without
  # having run a test proves nothing.
  if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$passed" = 0 ]; }; then failed=1; fi
  finish "$title" $((SECONDS - start)) "$passed" "$failed"
}

# count_cargo: of `cargo test` and of wasm-bindgen's runner, which print a line per binary.
count_cargo() {
  awk '/^test result: / { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }'
}

# count_browser: the same, and a run without the exact network's own tests, or without those of the
# kernels and of the exact network on WebGPU, has failed: other files of tests would hide that there were none.
count_browser() {
  awk '/^test result: / { passed += $4; failed += $6 }
    /^test .*certify::.* ok$/ { certify++ }
    /^test .*the_largest_difference_and_its_gradients_have_the_bits_of_the_cpu .*ok$/ { gpu++ }
    /^test .*attacks_make_the_queries_of_their_twins .*ok$/ { attacks++ }
    END { print passed + 0, failed + (certify ? 0 : 1) + (gpu ? 0 : 1) + (attacks ? 0 : 1) }'
}

# count_nextest: of its last summary, "Summary [ 1.2s] 5 tests run: 3 passed, 1 failed, …".
count_nextest() {
  awk '/Summary \[.*tests? run:/ {
      passed = failed = 0
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) passed = $(i - 1)
        if ($i ~ /^(failed|timed|exec)/) failed += $(i - 1)
      }
    }
    END { print passed + 0, failed + 0 }'
}

# count_playwright: of its closing lines, "  52 passed (1.2m)". A test that passed only at a second
# try, or that did not run, is not a pass.
count_playwright() {
  awk '/^ +[0-9]+ passed/ { passed = $1 }
    /^ +[0-9]+ (failed|flaky|interrupted|skipped|did not run)/ { failed += $1 }
    END { print passed + 0, failed + 0 }'
}

# skip TITLE WHY: a step that cannot run here; it counts neither way.
skip() {
  heading "$1"
  echo "-- $1: left out, $2"
  SUMMARY="$SUMMARY$(printf '%6s    %5s         %3s         %s' - - - "$1: left out, $2")
"
}

# `wasm-pack test --headless --chrome`, or where there is no wasm-pack the command that it runs. The
# browser's flags come from webdriver.json.
browser_tests() {
  if have wasm-pack; then wasm-pack test --headless --chrome; return; fi
  CHROMEDRIVER="$(command -v chromedriver)" WASM_BINDGEN_TEST_ONLY_WEB=1 \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=wasm-bindgen-test-runner \
    cargo test --target wasm32-unknown-unknown
}

# count_vitest: of its closing lines, "     Tests  2 failed | 40 passed (42)". A file that did not load has
# failed, though none of its tests has.
count_vitest() {
  awk '/^ +(Tests|Test Files) / {
      for (i = 2; i <= NF; i++) {
        if ($i == "passed" && $1 == "Tests") passed = $(i - 1)
        if ($i == "failed") failed[$1] = $(i - 1)
      }
    }
    END { print passed + 0, (failed["Tests"] ? failed["Tests"] : failed["Test"]) + 0 }'
}

# count_sizes: size-limit prints a limit and a size for each file of .size-limit.js; what is over its
# limit, or is not there, makes the command fail.
count_sizes() {
  awk '/^ +Size limit:/ { limits++ }
    /has exceeded|exceeded by/ { failed++ }
    END { print limits - failed, failed + 0 }'
}

# Those that need the data sets or a GPU, too: alone, `cargo test` leaves them out, as they are marked
# with `ignore` and the reason.
native_tests() {
  export LINF_FUZZ_SECONDS="${LINF_FUZZ_SECONDS:-10}"
  if have cargo-nextest; then cargo nextest run --all-features --no-fail-fast --run-ignored all
  else cargo test --all-features --lib --bins --tests --examples --no-fail-fast -- --include-ignored
  fi
}
if have cargo-nextest; then NATIVE_COUNTER=count_nextest; else NATIVE_COUNTER=count_cargo; fi

# builds_without_warnings: each of the page's modules is built with features of its own, and in none
# of them may the compiler find anything unused.
builds_without_warnings() {
  LINF_REBUILD=1 scripts/build.sh 2>&1 | tee "$LOGS/build" && ! grep -E "generated [0-9]+ warning" "$LOGS/build"
}

# The outsider's checker, written from docs/model-format.md alone, prints what `linf eval` prints: of a
# network with several members, and of one with one.
checker_agrees() {
  local models=www/public/models member="$LOGS/member.safetensors"
  checked "$models/mnist-eps0.3.safetensors" --dataset mnist --epsilon 0.3 &&
    linf member --force "$models/fashion-eps0.1.safetensors" 1 "$member" &&
    checked "$member" --dataset fashion-mnist --epsilon 0.1
}

# What `linf export` writes is what ONNX Runtime and others read, bit for bit.
others_read_what_is_exported() {
  cargo build --quiet --all-features --bin linf &&
    "$(interop_python_path)" tests/interop/formats.py --linf "$TARGET/debug/linf"
}

# The checker that Coq extracts accepts the certificates of `linf certify`, and no others.
extracted_checker_agrees() {
  cargo build --quiet --all-features --bin linf && proof/test.py --linf "$TARGET/debug/linf"
}

# checked MODEL OPTION...
checked() {
  linf eval --model "$@" --json | tee "$LOGS/eval" &&
    "$(python_path)" tools/check.py --model "$@" --json >"$LOGS/check" &&
    diff "$LOGS/eval" "$LOGS/check"
}

linf() {
  cargo run --quiet --all-features --bin linf -- "$@"
}

if asked lint; then
  check "format: Rust" cargo fmt --check
  check "lint: Rust, everything" cargo clippy --quiet --all-targets --all-features -- -D warnings
  check "lint: Rust, the plain library" cargo clippy --quiet --no-default-features -- -D warnings
  # Without the GPU's kernels: what they need takes minutes to check, and hardly a line of theirs is
  # for WebAssembly alone.
  check "lint: WebAssembly" cargo clippy --quiet --target wasm32-unknown-unknown --all-targets \
    --no-default-features --features bench,certify,baseline,gpu,import,teach,train -- -D warnings
  check "documentation: Rust" env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --all-features
  check "format and lint: the page" npm run --silent lint
  # `cargo publish --dry-run` also builds what is in the package, which takes minutes more.
  check "package: the crate" cargo package --no-verify --allow-dirty --quiet
fi

if asked native; then
  suite "tests: native" "$NATIVE_COUNTER" native_tests
  suite "tests: examples in the documentation" count_cargo cargo test --quiet --doc --all-features
  check "model: the checker in Python agrees" checker_agrees
  if [ -n "$(interop_python_path)" ]; then
    check "interop: others read what is exported" others_read_what_is_exported
  else skip "interop: others read what is exported" "as ONNX Runtime is not installed"
  fi
  check "documentation: tables of what was measured" "$(python_path)" bench/report.py --check
  check "documentation: tables of the experiments" "$(python_path)" docs/experiments/tables.py --check
fi

if asked proof; then
  if have make && have coqc && ocamlfind query zarith yojson >/dev/null 2>&1; then
    check "proof: the theorems, on no axiom but those of the real numbers" make --no-print-directory -C proof
    check "proof: the extracted checker agrees with linf" extracted_checker_agrees
  else skip "proof: the theorems" "as Coq, Zarith or Yojson is not installed"
  fi
fi

if asked browser; then
  suite "tests: in the browser" count_browser browser_tests
fi

if asked page; then
  check "build: the page, without a warning" builds_without_warnings
  # After the build: the types of the WebAssembly modules come out of it.
  check "types: the page" npm run --silent check
  suite "tests: the page's units" count_vitest npm run --silent unit
elif asked size e2e; then
  # Builds nothing where the modules and the page are there already.
  check "build: the page" scripts/build.sh
fi

if asked page e2e; then
  check "package: npm" scripts/npm.sh
fi

if asked size; then
  suite "size: WebAssembly and models as transferred" count_sizes size-limit
fi

if asked e2e; then
  suite "tests: end to end, in the browser" count_playwright npm run --silent e2e
fi

if asked licences; then
  # The list of advisories is read in the workflow alone: it has to be fetched.
  if have cargo-deny; then
    check "licences and sources of the dependencies" cargo deny --all-features check bans licenses sources
  else skip "licences and sources of the dependencies" "as cargo-deny is not installed"
  fi
fi

if asked typos; then
  if have typos; then check "typos" typos
  else skip "typos" "as typos is not installed"
  fi
fi

if asked links; then
  check "documentation: links" python3 docs/check_links.py
fi

heading "summary, after $SECONDS s"
printf '%s' "$SUMMARY"
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
