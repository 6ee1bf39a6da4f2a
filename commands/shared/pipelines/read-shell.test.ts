import { describe, expect, test } from 'vitest';
import type { ContainerCommands, ContainerStart } from './container-commands.ts';
import { patternText } from './container-commands.ts';
import { readShell } from './read-shell.ts';
import type { Variable } from './script.ts';

function read(text: string, variables: Record<string, Variable> = {}): ContainerCommands {
  return readShell({ text, variables: new Map(Object.entries(variables)) });
}

/** The lines of the starts, by whether they remove their container. */
function numberedLines(text: string, removes: ContainerStart['removes']): number[] {
  return read(text)
    .starts.filter((start) => start.removes === removes)
    .map(({ at }) => text.slice(0, at).split('\n').length);
}

/** The line of the first start, as the fix would change it. */
function corrected(text: string): string | undefined {
  const [start] = read(text).starts;
  if (start?.disabling) return `${text.slice(0, start.disabling.at)}--rm${text.slice(start.disabling.end)}`;
  return start?.insertAt === undefined
    ? undefined
    : `${text.slice(0, start.insertAt)} --rm${text.slice(start.insertAt)}`;
}

function only(text: string, variables: Record<string, Variable> = {}): ContainerStart {
  const { starts } = read(text, variables);
  expect(starts).toHaveLength(1);
  return starts[0]!;
}

describe('finds containers that a command starts', () => {
  // Wrappers: https://github.com/koalaman/shellcheck/issues/2445
  test.each([
    ['sudo -n -u ci docker run a/b:1 version'],
    ['timeout -k 5 60 docker run a/b:1'],
    ['DOCKER_HOST=tcp://10.4.0.9:2376 docker run a/b:1'],
    ['env -i PATH="$PATH" nice -n 10 docker container run a/b:1'],
    ['docker --context ci --log-level error run a/b:1'],
    ['cat images.txt | xargs -r -n 1 -I{} docker run {} --version'],
    ['time podman run a/b:1'],
    ['nerdctl --namespace k8s.io run a/b:1'],
    ['if ! docker run a/b:1; then echo failed; fi'],
    ['version=$(docker run a/b:1 --version | tail -n1)'],
    ['nohup docker run a/b:1 > log 2>&1 &'],
    ['stdbuf -o L ionice -c3 /usr/bin/docker run a/b:1'],
    ['retry -n 3 docker run a/b:1'],
    ['retry 3 -- docker run a/b:1'],
    ["su - ci -c 'docker run a/b:1'"],
    ['flock /tmp/lock docker run -c 512 a/b:1'],
    ["flock /tmp/lock -c 'docker run a/b:1'"],
    ['find . -name x -exec docker run {} \\;'],
    ['parallel -j4 docker run {} ::: a b'],
    ["bash -euxc 'docker run a/b:1'"],
    ['sh -c "cd x && docker run \\"$IMAGE\\""'],
    ['eval "docker run a/b:1"'],
    ['coproc docker run a/b:1'],
    ['cat < <(docker run a/b:1)'],
    ['echo "$(docker run a/b:1)" > file'],
    ['x=`docker run a/b:1`'],
    ['case $1 in a|b) docker run a/b:1;; esac'],
    ['bash <<< "docker run a/b:1"'],
    ['"${CONTAINER_ENGINE:-podman}" run a/b:1'],
    ['$SUDO docker.exe run a/b:1'],
    ['retry() { "$@" || "$@"; }; retry docker run a/b:1'],
    ['docker compose -f ci/compose.yml run web'],
    ['docker-compose run -e RAILS_ENV=test --no-deps -T web rake'],
    ['podman-compose run web'],
    ['script -qec "docker run a/b:1" /dev/null'],
    ['vagrant ssh -c "docker run a/b:1"'],
  ])('%s', (text) => {
    expect(only(text).removes).toBe('no');
    expect(corrected(text)).toMatch(/ (run|create) --rm|run --rm/);
  });

  // A heredoc is a script if a shell reads it.
  test.each([
    ['bash -eu <<X\ndocker run a/b:1\nX\n', undefined],
    ['cat <<X | sudo bash\ndocker run a/b:1\nX\n', undefined],
    ["echo 'docker run a/b:1' | sh", undefined],
    ['{ echo set -e; echo docker run a/b:1; } | sudo bash -s', undefined],
    ['cat > f <<X\n$(docker run a/b:1)\nX\n', undefined],
    ['ssh deploy@edge-1 <<X\ndocker run a/b:1\nX\n', 'deploy@edge-1'],
    ["ssh -p 22 deploy@edge-1 /bin/sh -s <<'X'\ndocker run a/b:1\nX\n", 'deploy@edge-1'],
    ['ssh -o User=ci edge-1 "cd x; docker run a/b:1"', 'edge-1'],
    ['echo "docker run a/b:1" | ssh edge-1 bash', 'edge-1'],
    ['docker-machine ssh edge-1 docker run a/b:1', 'edge-1'],
  ])('also in text that a shell reads: %s', (text, remote) => {
    const start = only(text);
    expect(start.removes).toBe('no');
    expect(start.remote).toBe(remote);
    expect(text.slice(start.at, start.end)).toBe('docker');
    expect(text.slice(start.insertAt! - 3, start.insertAt)).toBe('run');
  });
});

// https://github.com/RedCoolBeans/dockerlint/issues/71, https://github.com/hadolint/hadolint/issues/1137
test.each([
  ['# docker run a/b'],
  [": 'docker run a/b'"],
  ['echo "usage: docker run a/b"'],
  ['printf \'docker run %s\\n\' "$1"'],
  ['log() { echo "[$(date +%T)] $*"; }\nlog docker run a/b is what it does'],
  ["cat > README <<'X'\ndocker run a/b\nX\n"],
  ['tee run-me.sh <<X >/dev/null\ndocker run a/b\nX\n'],
  ["grep -rn 'docker run' ci/ || true"],
  ['git commit -m "ci: docker run gets a timeout"'],
  ['case "$1" in\n  "docker run") echo no ;;\nesac'],
  ["text='docker run a/b'"],
  ['docker image inspect run'],
  ['docker logs docker run'],
  ['docker runx a/b'],
  ['docker run --help'],
  ['docker exec run docker run x'],
  ['docker service create --name run a/b'],
  ['docker build -t run . && docker push run'],
  ['docker compose -p run up -d'],
  ['docker compose exec web run --rm'],
  ['docker buildx create --use'],
  ['docker network create run'],
  ['kubectl run site --image=a/b'],
  ['command -v docker run'],
  ["docker run --rm -i a/b sh <<'X'\ndocker run a/inner\nX\n"],
  ["docker run --rm a/b sh -c 'docker run a/inner'"],
  ['docker_run() { docker run --rm "$@"; }\ndocker_run a/b\ndocker_run -it a/c sh'],
  ['docker() { command docker "$@"; }\ndocker run --rm a/b'],
  ['exit 0\ndocker run a/b'],
])('reports nothing that stays for %j', (text) => {
  expect(read(text).starts.filter(({ removes }) => removes !== 'yes')).toEqual([]);
  expect(read(text).unread).toEqual([]);
});

describe('reads options as the programs do', () => {
  // Options that take a value swallow it, also at the end of a cluster: https://github.com/docker/cli/issues/5435
  test.each<[string, ContainerStart['removes']]>([
    ['docker run alpine:3 --rm', 'no'],
    ['docker run -e --rm alpine:3', 'no'],
    ['docker run --env RM=--rm alpine:3', 'no'],
    ['docker run --name=--rm alpine:3', 'no'],
    ['docker run --rm=false alpine:3', 'no'],
    ['docker run --rm --rm=f alpine:3', 'no'],
    ['docker run --rm=0 --rm alpine:3', 'yes'],
    ['docker run --rm=1 alpine:3', 'yes'],
    ['docker run -itv /a:/b --rm alpine:3', 'yes'],
    ['docker run -itv --rm alpine:3', 'no'],
    ['docker run -it --rm alpine:3', 'yes'],
    ['docker run --read-only --rm --tmpfs /tmp alpine:3', 'yes'],
    ['docker run --pull always -- alpine:3 --rm', 'no'],
    ["docker run --entrypoint sh alpine:3 -c 'exec app --rm'", 'no'],
    ['docker create --rm alpine:3', 'yes'],
    ['podman run --rmi alpine:3', 'yes'],
    ['docker compose run -T --rm web', 'yes'],
    ['docker compose run -P --remove-orphans web --rm', 'no'],
    ['docker compose run -Ti --rm web sh', 'yes'],
    ['docker compose run --build web --rm', 'no'],
    ['docker run --rm=$X alpine:3', 'unknown'],
  ])('%s', (text, removes) => {
    expect(only(text).removes).toBe(removes);
  });

  test('replaces what disables the removal', () => {
    expect(corrected('docker run -it --rm=false alpine:3 true')).toBe('docker run -it --rm alpine:3 true');
  });

  test('ignores options that the program refuses', () => {
    expect(read('docker run --rm=perhaps alpine:3').starts).toEqual([]);
  });

  test('reads what identifies the container', () => {
    const start = only(
      'id=$(docker run -d --name "db-$BUILD" --cidfile /tmp/cid --label ci=42 -l x=y --restart on-failure:3 "$REPO/app:1" run)',
    );
    expect(start).toMatchObject({ isDetached: true, restart: 'on-failure:3', storedIn: 'id' });
    expect(start.name).toEqual({ parts: [{ text: 'db-' }, { variable: '$BUILD' }] });
    expect(start.cidFile && patternText(start.cidFile)).toBe('/tmp/cid');
    expect(start.labels.map(patternText)).toEqual(['ci=42', 'x=y']);
    expect(start.image).toEqual({ parts: [{ variable: '$REPO' }, { text: '/app:1' }] });
  });

  test.each([
    ['docker compose run -d web', { program: 'compose', composeAs: 'plugin', isDetached: true }],
    ['docker-compose run web', { program: 'compose', composeAs: 'docker-compose', isDetached: false }],
    ['docker run -d=false a/b', { isDetached: false }],
  ])('%s', (text, facts) => {
    expect(only(text)).toMatchObject(facts);
  });
});

describe('resolves variables', () => {
  // The command itself was a variable: https://github.com/alphagov/govuk-docker/issues/1035
  test.each<[string, ContainerStart['removes'], string?]>([
    ['OPTS="--rm -i"\ndocker run $OPTS a/b', 'yes'],
    ['A=(--rm --network host)\nA+=(-v "$PWD:/w")\ndocker run "${A[@]}" a/b', 'yes'],
    ['L="-i --network host"\ndocker run $L a/b', 'no'],
    ['docker run $EXTRA_OPTS a/b', 'unknown', '$EXTRA_OPTS'],
    ['docker run "$@"', 'unknown', '"$@"'],
    ['docker run "${ARGS[@]}" a/b', 'unknown', '"${ARGS[@]}"'],
    ['DOCKER=docker\n$DOCKER run a/b', 'no'],
    ['RUN="docker run"\n$RUN a/b', 'no'],
    ['RUN="docker run --rm"\n$RUN a/b', 'yes'],
    ['cmd=(docker run)\ncmd+=(--rm)\n"${cmd[@]}" a/b', 'yes'],
    ['IMAGE=a/b\ndocker run "$IMAGE"', 'no'],
    ['docker run "$IMAGE" ls', 'no'],
    ['docker run -v $PWD:/w $IMAGE ls', 'no'],
    ['docker run $REGISTRY/app:$TAG ls', 'no'],
    ['docker run -e A=$A -v$B:/b --rm $IMAGE', 'yes'],
    ['docker run --rm ${MAYBE:-} "$IMAGE"', 'yes'],
    ['docker run $OPTS --rm a/b', 'yes'],
    ['if [ "$CI" ]; then R="--rm"; else R="--rm -it"; fi\ndocker run $R a/b', 'yes'],
    ['if [ "$CI" ]; then R=--rm; fi\ndocker run $R a/b', 'unknown', '$R'],
    ['R=--rm\n[ "$CI" ] && R=\ndocker run $R a/b', 'unknown', '$R'],
    ['R=--rm\n( R= )\ndocker run $R a/b', 'yes'],
    ['for R in "--rm -i" "--rm -t"; do docker run $R a/b; done', 'yes'],
    ['docker run ${CI:+--name kept} ${KEEP:---rm} a/b', 'unknown', '${KEEP:---rm}'],
    ['f() { local image=$1; shift; docker run --rm "$image" "$@"; }\nf a/b --rm', 'yes'],
    ['f() { local opts="-i"; docker run $opts "$@"; }\nf a/b --rm', 'no'],
    ['f() { docker run "$@"; }\nf --rm a/b\nf a/b', 'no'],
    ['DOCKER=$(command -v podman)\n$DOCKER run a/b', 'no'],
  ])('%s', (text, removes, deciding?: string) => {
    const start = only(text);
    expect(start.removes).toBe(removes);
    expect(start.deciding).toEqual(deciding === undefined ? [] : [deciding]);
  });

  test('inserts into the assignment that has the command', () => {
    expect(corrected('RUN="docker run"\n$RUN a/b')).toBe('RUN="docker run --rm"\n$RUN a/b');
    expect(corrected("bash -c 'docker run a/b'")).toBe("bash -c 'docker run --rm a/b'");
  });

  test('knows variables of the pipeline file', () => {
    const both: Variable = { values: ['--rm', ''], shown: '${{ matrix.opts }}' };
    expect(only('docker run $M a/b', { M: { values: ['--rm --network host'] } }).removes).toBe('yes');
    expect(only('docker run $M a/b', { M: both })).toMatchObject({
      removes: 'unknown',
      deciding: ['${{ matrix.opts }}'],
    });
    expect(
      only('docker run $M ls', { M: { values: ['node:20', 'node:22'], shown: '${{ matrix.image }}' } })
        .removes,
    ).toBe('no');
    expect(
      only('docker run $M ls', { M: { values: [undefined], shown: '${{ inputs.image }}' } }).removes,
    ).toBe('no');
    expect(only('$M a/b', { M: { values: ['docker run'] } })).toMatchObject({ removes: 'no', at: 0 });
    expect(only('$M a/b', { M: { values: ['docker run'] } }).insertAt).toBeUndefined();
  });
});

test('an argument of a function is found where the function is called', () => {
  const text = 'docker() { command docker "$@"; }\ndocker run --rm a/b\ndocker run a/c\n';
  expect(numberedLines(text, 'no')).toEqual([3]);
  expect(numberedLines(text, 'yes')).toEqual([2]);
});

test('a comment keeps one container', () => {
  const text = [
    '# sre-bot: keep-container',
    'docker run a/one:1 \\',
    '  ls',
    'docker run a/two # wrench: keep-container',
    'docker run a/three',
    'docker run a/four; docker run a/five # ci: keep-container',
    'echo "# ci: keep-container"; docker run a/six',
    'docker run a/seven',
  ].join('\n');
  const kept = read(text).starts.filter(({ isMeantToStay }) => isMeantToStay);
  expect(kept.map(({ image }) => patternText(image!))).toEqual(['a/one:1', 'a/two', 'a/five']);
});

test('lines may end with CR LF', () => {
  const text = 'set -e\r\ndocker run \\\r\n  a/b:1\r\ndocker run --rm \\\r\n  a/c\r\n';
  expect(numberedLines(text, 'no')).toEqual([2]);
  expect(numberedLines(text, 'yes')).toEqual([4]);
  expect(corrected(text)).toContain('docker run --rm \\\r\n  a/b:1');
});

test('what cannot be read is reported, if it looks like a start', () => {
  expect(read('echo "unclosed\ndocker run a/b\n').unread).toHaveLength(1);
  expect(read('echo "unclosed\nmake build\n').unread).toEqual([]);
  expect(read('docker run a/b )\n').unread).toEqual([]);
  expect(read(`${'('.repeat(300)}docker run a/b${')'.repeat(300)}`).unread).not.toEqual([]);
});
