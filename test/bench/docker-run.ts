import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'unbash';
import { analyseInTurns } from '../../commands/shared/pipelines/analyse.ts';
import type { PipelineFile } from '../../src/ports/pipelines.ts';
import { checkoutConfig } from '../../src/sources/checkout/config.ts';
import { openCheckout } from '../../src/sources/checkout/open.ts';
import type { Figure } from './figure.ts';

const FILES = 5_000;
const FOLDERS = 50;
const ROUNDS = 4;
/** One in so many scripts with containers leaves one behind. */
const LEAKING = 5;
/** Of 3,011 pipeline files in 20 public repositories, 357 mention containers. */
const ONE_IN = 8;

/**
 * The pipeline files of a checkout, read and judged, against reading the same files and parsing them with `unbash` alone. All are shell scripts, because
 * `unbash` reads nothing else.
 */
export async function benchDockerRun(): Promise<Figure[]> {
  const mixed = await measure(ONE_IN);
  const all = await measure(1);
  const count = FILES.toLocaleString('en');
  return [
    {
      name: `${count} scripts, one in ${ONE_IN} with containers, searched for those that stay, against reading them and unbash.parse`,
      ...mixed,
      unit: 'files/s',
      goal: 'ratio >= 0.5',
    },
    { name: 'the same, each with five containers', ...all, unit: 'files/s' },
  ];
}

/** @param oneIn one in so many scripts has containers */
async function measure(oneIn: number): Promise<Pick<Figure, 'ours' | 'bare' | 'ratio'>> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-bench-'));
  try {
    await writeScripts(folder, oneIn);
    const best = { ours: 0, bare: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      best.bare = Math.max(best.bare, await perSecond(() => parseAll(folder)));
      best.ours = Math.max(best.ours, await perSecond(() => analyseAll(folder, oneIn)));
    }
    return { ...best, ratio: best.ours / best.bare };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function analyseAll(folder: string, oneIn: number): Promise<void> {
  const source = openCheckout(checkoutConfig.parse({ kind: 'checkout', folders: [folder] }));
  try {
    const pipelines = source.reads.pipelines!;
    const files: PipelineFile[] = [];
    const query = { repository: pipelines.repositories[0]!, signal: new AbortController().signal };
    for await (const page of pipelines.files(query)) files.push(...page);
    const { leaks, files: read } = await analyseInTurns(files, query.signal);
    if (read !== FILES || leaks.length !== FILES / oneIn / LEAKING)
      throw new Error(`${leaks.length} containers stay in ${read} files`);
  } finally {
    await source.close();
  }
}

async function parseAll(folder: string): Promise<void> {
  let commands = 0;
  for (const name of await readdir(folder)) {
    const paths = (await readdir(join(folder, name))).map((file) => join(folder, name, file));
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    for (const content of contents) commands += parse(content).commands.length;
  }
  if (commands < FILES) throw new Error(`only ${commands} commands were parsed`);
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (FILES * 1_000) / (performance.now() - startedAt);
}

async function writeScripts(folder: string, oneIn: number): Promise<void> {
  for (let at = 0; at < FOLDERS; at += 1) {
    const name = join(folder, `team-${at}`);
    await mkdir(name);
    const numbers = Array.from({ length: FILES / FOLDERS }, (_, file) => at * (FILES / FOLDERS) + file);
    await Promise.all(
      numbers.map((number) =>
        writeFile(
          join(name, `step-${number}.sh`),
          number % oneIn === 0 ? scriptOf(number / oneIn) : otherScriptOf(number),
        ),
      ),
    );
  }
}

/** A script as teams write them: options, functions, a loop, a heredoc, and five containers. */
function scriptOf(number: number): string {
  const last = number % LEAKING === 0 ? '' : ' --rm';
  return `#!/usr/bin/env bash
# Builds and tests service ${number}.
set -euo pipefail
cd "$(dirname "$0")/.."
IMAGE="registry.example/team/service-${number}"
TAG="\${BUILD_NUMBER:-dev}"
OPTS=(--rm --network host)
if [[ -n "\${CI:-}" ]]; then
  OPTS+=(--env CI=true)
fi

log() {
  printf '%s %s\\n' "$(date +%T)" "$*" >&2
}

usage() {
  cat <<EOF
Usage: $0 [--push] [--keep]
Runs docker run for each suite of service ${number}.
EOF
  exit 64
}

push=false
while [[ $# -gt 0 ]]; do
  case "$1" in
    --push) push=true; shift ;;
    --help) usage ;;
    *) log "unknown option $1"; usage ;;
  esac
done

log "building $IMAGE:$TAG"
docker build --file ci/Dockerfile --build-arg BUILD_NUMBER="$TAG" --tag "$IMAGE:$TAG" .
docker run "\${OPTS[@]}" "$IMAGE:$TAG" npm run lint

for suite in unit contract e2e; do
  log "suite $suite"
  docker run --rm \\
    --volume "$PWD/reports:/reports" \\
    --env SUITE="$suite" \\
    "$IMAGE:$TAG" npm run "test:$suite" || failed+=("$suite")
done

db=$(docker run --rm --detach --env POSTGRES_PASSWORD=test postgres:16)
trap 'docker stop "$db" >/dev/null' EXIT
version=$(docker run --rm "$IMAGE:$TAG" --version | tail -n 1)
docker run${last} --env VERSION="$version" "$IMAGE:$TAG" ./smoke --port 8080

if $push; then
  docker push "$IMAGE:$TAG"
fi
if [[ \${#failed[@]} -gt 0 ]]; then
  log "failed: \${failed[*]}"
  exit 1
fi
`;
}

/** A script of about the same length without containers. */
function otherScriptOf(number: number): string {
  return `#!/usr/bin/env bash
# Checks and packs library ${number}.
set -euo pipefail
cd "$(dirname "$0")/.."
NAME="library-${number}"
VERSION="\${BUILD_NUMBER:-dev}"
FLAGS=(--release --locked)
if [[ -n "\${CI:-}" ]]; then
  FLAGS+=(--offline)
fi

log() {
  printf '%s %s\\n' "$(date +%T)" "$*" >&2
}

usage() {
  cat <<EOF
Usage: $0 [--publish]
Runs the suites of library ${number}.
EOF
  exit 64
}

publish=false
while [[ $# -gt 0 ]]; do
  case "$1" in
    --publish) publish=true; shift ;;
    --help) usage ;;
    *) log "unknown option $1"; usage ;;
  esac
done

log "building $NAME $VERSION"
make --directory lib VERSION="$VERSION" "\${FLAGS[@]}" all
npm ci && npm run lint

for suite in unit contract e2e; do
  log "suite $suite"
  SUITE="$suite" \\
    REPORTS="$PWD/reports" \\
    npm run "test:$suite" || failed+=("$suite")
done

server=$(./start-server --port 8080 --detach)
trap 'kill "$server" >/dev/null' EXIT
published=$(npm view "$NAME" version | tail -n 1)
./smoke --port 8080 --version "$published"
tar --create --gzip --file "dist/$NAME-$VERSION.tgz" lib/*.so README.md

if $publish; then
  npm publish "dist/$NAME-$VERSION.tgz"
fi
if [[ \${#failed[@]} -gt 0 ]]; then
  log "failed: \${failed[*]}"
  exit 1
fi
`;
}
