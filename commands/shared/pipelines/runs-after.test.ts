import { describe, expect, test } from 'vitest';
import { readShell } from './read-shell.ts';
import { type Reach, runsAfter, runsInAnyCase } from './runs-after.ts';

/** How the first start and the last removal are related. */
function reachOf(text: string, exitsOnError = false): Reach | undefined {
  const { starts, actions } = readShell({ text, variables: new Map(), exitsOnError });
  const action = actions.findLast(({ verb }) => verb === 'remove');
  return starts[0] && action && runsAfter(starts[0], action);
}

const RUN = 'docker run --name x a/b';
const RM = 'docker rm -f x';

// Aborted and failed builds leave containers: https://github.com/adoptium/aqa-tests/issues/915
test.each<[Reach, string]>([
  ['always', `${RUN}\n./test\n${RM}`],
  ['on-success', `set -e\n${RUN}\n${RM}`],
  ['on-success', `#!/bin/sh -eu\n${RUN}\n${RM}`],
  ['on-success', `set -o errexit\n${RUN}\n${RM}`],
  ['always', `set -e\nset +e\n${RUN}\n${RM}`],
  ['always', `set -e\n${RUN} || rc=$?\ndocker logs x || true\n${RM}`],
  ['on-success', `set -e\n${RUN} || rc=$?\ndocker cp x:/a .\n${RM}`],
  ['always', `set -e\nif ! ${RUN}; then failed=1; fi\n${RM}`],
  ['on-success', `${RUN} && ${RM}`],
  ['sometimes', `${RUN} || ${RM}`],
  ['on-success', `${RUN}\n[ -f out ] || exit 1\n${RM}`],
  ['sometimes', `${RUN}\nif [ "$KEEP" != yes ]; then ${RM}; fi`],
  ['always', `${RUN}\nif docker inspect x >/dev/null; then ${RM}; fi`],
  ['always', `${RUN}\n[ -n "$id" ] && ${RM}`],
  ['never', `${RM}\n${RUN}`],
  ['never', `for i in 1 2; do ${RM}; ${RUN}; done`],
  ['always', `for i in 1 2; do ${RUN}; ${RM}; done`],
  ['on-success', `for i in 1 2; do ${RUN}; ./test || break; ${RM}; done`],
  ['never', `case $1 in a) ${RUN};; b) ${RM};; esac`],
  ['never', `if x; then ${RUN}; else ${RM}; fi`],
  ['always', `stop() { ${RM}; }\n${RUN}\nstop`],
  ['never', `stop() { ${RM}; }\nstop\n${RUN}`],
  ['on-success', `stop() { [ "$1" ] || return; ${RM}; }\n${RUN}\nstop`],
  ['always', `start() { ${RUN}; return 0; }\nstop() { ${RM}; }\nstart\nstop`],
  ['never', `start() { ${RUN}; }\nstart\n${RM}\nstart`],
  ['sometimes', `start() { ${RUN}; }\nstop() { ${RM}; }`],
  ['always', `(set -e; ${RUN}; ./test)\n${RM}`],
  ['on-success', `set -e\n(${RUN})\n${RM}`],
  ['always', `trap '${RM}' EXIT\nset -e\n${RUN}`],
  ['always', `cleanup() { ${RM}; }\ntrap cleanup 0 INT\n${RUN}`],
  ['on-success', `set -e\n${RUN}\ntrap '${RM}' EXIT`],
  ['always', `set -e\nid=$(${RUN} -d)\ntrap '${RM}' EXIT`.replace('x a/b -d', 'x -d a/b')],
  ['sometimes', `trap '${RM}' ERR\n${RUN}`],
  ['sometimes', `if x; then trap '${RM}' EXIT; fi\n${RUN}`],
  ['never', `(trap '${RM}' EXIT; ./test)\n${RUN}`],
])('%s: %j', (reach, text) => {
  expect(reachOf(text)).toBe(reach);
});

test('a trap is replaced by a later one, and cleared', () => {
  expect(reachOf(`trap '${RM}' EXIT\n${RUN}\ntrap 'echo bye' EXIT`)).toBeUndefined();
  expect(reachOf(`trap '${RM}' EXIT\n${RUN}\ntrap - EXIT`)).toBeUndefined();
});

test('the pipeline may say that the shell exits at a failure', () => {
  expect(reachOf(`${RUN}\n${RM}`, true)).toBe('on-success');
});

test('an action may be certain for starts in other scripts', () => {
  const reach = (text: string, exitsOnError = false): Reach =>
    runsInAnyCase(readShell({ text, variables: new Map(), exitsOnError }).actions.at(-1)!);
  expect(reach(RM, true)).toBe('always');
  expect(reach(`docker logs x\n${RM}`)).toBe('always');
  expect(reach(`docker logs x\n${RM}`, true)).toBe('on-success');
  expect(reach(`if [ "$CI" = 1 ]; then ${RM}; fi`)).toBe('sometimes');
});

describe('knows which containers an action is about', () => {
  test.each([
    ['docker rm -f db "web-$ID"', ['name db', 'name web-*']],
    ['docker rm "$cid"', ['variable cid', 'name *']],
    ['N=db\ndocker rm $N', ['name db']],
    ['docker container rm --force $(cat /tmp/cid)', ['cid-file /tmp/cid']],
    ['docker rm -f "$(< cid)"', ['cid-file cid']],
    ['docker ps -aq --filter label=ci=42 | xargs -r docker rm -f', ['label ci=42']],
    ['docker rm -f $(docker ps -aq --filter name=^web$)', ['name web']],
    ['ids=$(docker ps -aq)\ndocker rm $ids', ['all', 'variable ids', 'name *']],
    ["docker ps -a | grep web | awk '{print $1}' | xargs docker rm", ['name web']],
    ['docker rm $(docker ps -q)', ['all running']],
    ['docker rm $(docker ps -aq -f status=exited)', ['all stopped']],
    ['docker rm $(docker ps -aq -f ancestor=a/b)', ['image a/b']],
    ['docker container prune -f', ['all stopped']],
    ['docker system prune -af --volumes', ['all stopped']],
    ['docker container prune -f --filter label=ci', ['label ci stopped']],
    ['docker container prune -f --filter until=24h', []],
    ['docker run -d a/b\ndocker rm -f $(docker ps -lq)', ['start 0']],
    ['docker-compose rm -f', ['compose']],
    ['podman rm -f --cidfile x', ['cid-file x']],
  ])('%s', (text, expected) => {
    const { actions } = readShell({ text, variables: new Map() });
    const found = (actions.find(({ verb }) => verb === 'remove')?.containers ?? []).map((one) => {
      const value = Object.entries(one).find(
        ([key]) => key !== 'by' && key !== 'only' && key !== 'isPart',
      )?.[1];
      const shown =
        typeof value === 'object'
          ? value.parts.map((part: object) => ('text' in part ? part.text : '*')).join('')
          : value;
      return [one.by, shown, 'only' in one ? one.only : undefined]
        .filter((word) => word !== undefined)
        .join(' ');
    });
    expect(found).toEqual(expected);
  });

  test('text that differs each time is not the same name', () => {
    const { starts, actions } = readShell({
      text: 'docker run -d --name "t-$(date +%s)" a/b\ndocker rm -f "t-$(date +%s)"',
      variables: new Map(),
    });
    expect(actions[0]!.containers).not.toContainEqual({ by: 'name', name: starts[0]!.name });
  });

  test.each([
    ['docker cp x:/out .', 'use', 'cp'],
    ['docker logs -f --tail 10 x', 'use', 'logs'],
    ['docker wait x', 'use', 'wait'],
    ['docker commit -m y x img', 'use', 'commit'],
    ['docker exec -it -u root x ls', 'use', 'exec'],
    ['docker stop -t 5 x', 'stop', 'stop'],
    ['docker kill --signal KILL x', 'stop', 'kill'],
    ['podman rm -t 0 x', 'remove', 'rm'],
  ])('%s', (text, verb, word) => {
    const { actions } = readShell({ text, variables: new Map() });
    expect(actions).toMatchObject([
      { verb, word, runs: 'in-order', containers: [{ by: 'name', name: { parts: [{ text: 'x' }] } }] },
    ]);
  });
});
