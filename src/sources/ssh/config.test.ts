import { expect, test } from 'vitest';
import { sshConfig } from './config.ts';

const valid = { kind: 'ssh', hosts: ['cmp-[01:40]'], key: '/etc/wrench/key' };
const problems = (config: object): readonly string[] => {
  const entries = Object.entries({ ...valid, ...config }).filter(([, value]) => value !== undefined);
  const { error } = sshConfig.safeParse(Object.fromEntries(entries));
  return error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];
};

test('fills in the defaults', () => {
  expect(sshConfig.parse(valid)).toEqual({
    ...valid,
    name: 'ssh',
    address: '{host}',
    port: 22,
    user: 'wrench',
    concurrency: 50,
    sudo: [],
    timeoutMs: 10_000,
  });
});

test.each<readonly [object, readonly string[]]>([
  [{ hosts: undefined }, ['hosts is needed, or `inventory`']],
  [{ inventory: '/x' }, ['inventory is not used together with `hosts`. Remove one of them']],
  [{ groups: ['compute'] }, ['groups is only used with `inventory`']],
  [{ hosts: ['cmp-[1:10001]'] }, ['hosts there are more than 10,000 hosts']],
  [{ hosts: ['cmp-[1:3]', 'cmp-2'] }, ['hosts cmp-2 is listed twice']],
  [
    { hosts: ['-oProxyCommand=x'] },
    ['hosts -oProxyCommand=x is no host name, address or pattern such as cmp-[01:40]'],
  ],
  [
    { hosts: ['diego-cell/[0:3]'] },
    ['hosts with `/` in their names are listed in `inventory`, with their addresses'],
  ],
  [{ certificates: [] }, ['certificates Too small: expected array to have >=1 items']],
  [{ certificates: ['kubernetes', 'bosh'], sudo: ['certificates', 'kubeadm'] }, []],
  [{ address: '10.0.0.1' }, ['address needs `{host}`, or all hosts would have the same address']],
  [{ key: undefined }, ['key is needed, or `agent`']],
  [{ agent: '/run/agent' }, ['agent is not used together with `key`. Remove one of them']],
  [
    { jump: [{ host: 'jump-1', key: '/a', agent: '/b' }] },
    ['jump.0.agent is not used together with `key`. Remove one of them'],
  ],
  [
    { hostKeys: { 'cmp-01': ['md5:aa'] } },
    ['hostKeys.cmp-01.0 must be a public host key (`ssh-ed25519 AAAA…`) or its fingerprint (`SHA256:…`)'],
  ],
  [{ hosts: ['cmp-1'], address: '10.0.0.1' }, []],
  [{ hosts: undefined, inventory: '/x', groups: ['compute'] }, []],
])('checks %j', (config, expected) => {
  expect(problems(config)).toEqual(expected);
});

test('accepts no question as root that is not in the closed set', () => {
  expect(problems({ sudo: ['shell'] })).toHaveLength(1);
});
