import { expect, test } from 'vitest';
import { parseInventory } from './inventory.ts';

test('reads a list of hosts, some with an address', () => {
  const text = '# compute nodes\r\ncmp-01\n\ncmp-02   10.0.0.2   # in rack b\ncmp-[03:04]\n';

  expect(parseInventory(text)).toEqual({
    hosts: [
      { name: 'cmp-01' },
      { name: 'cmp-02', address: '10.0.0.2' },
      { name: 'cmp-03' },
      { name: 'cmp-04' },
    ],
  });
});

test('reads ports after host names', () => {
  expect(parseInventory('cmp-1:2222\ncmp-[2:3].lab:22\nfd00::1\n')).toEqual({
    hosts: [
      { name: 'cmp-1', port: 2222 },
      { name: 'cmp-2.lab', port: 22 },
      { name: 'cmp-3.lab', port: 22 },
      { name: 'fd00::1' },
    ],
  });
});

test('reads ports after addresses', () => {
  expect(
    parseInventory('cmp-1 10.0.0.1:2222\ncmp-2 fd00::2\ncmp-3 [fd00::3]:2222\ncmp-4 [fd00::4]\n'),
  ).toEqual({
    hosts: [
      { name: 'cmp-1', address: '10.0.0.1', port: 2222 },
      { name: 'cmp-2', address: 'fd00::2' },
      { name: 'cmp-3', address: 'fd00::3', port: 2222 },
      { name: 'cmp-4', address: 'fd00::4' },
    ],
  });
});

const ANSIBLE = `
bastion ansible_host=192.0.2.1
localhost ansible_connection=local

[control]
ctl-1 ansible_host=10.0.0.11 ansible_port=2222 ansible_ssh_pass='not read'

[compute]
cmp-[01:02]
cmp-03 ansible_user="ops" comment="two words"

[network]
net-1
cmp-01

[network:vars]
ansible_user = net

[openstack:children]
compute
network

[openstack:vars]
ansible_user=stack
ansible_port=22

[all:vars]
ansible_user=everyone
`;

test('reads an Ansible inventory with the variables of hosts and groups', () => {
  expect(parseInventory(ANSIBLE)).toEqual({
    hosts: [
      { name: 'bastion', address: '192.0.2.1', user: 'everyone' },
      { name: 'ctl-1', address: '10.0.0.11', port: 2222, user: 'everyone' },
      { name: 'cmp-01', port: 22, user: 'net' },
      { name: 'cmp-02', port: 22, user: 'stack' },
      { name: 'cmp-03', port: 22, user: 'ops' },
      { name: 'net-1', port: 22, user: 'net' },
    ],
  });
});

test('reads only some groups, with their children', () => {
  const names = (groups: readonly string[]) => {
    const inventory = parseInventory(ANSIBLE, groups);
    return 'hosts' in inventory ? inventory.hosts.map(({ name }) => name) : inventory.problem;
  };

  expect(names(['compute'])).toEqual(['cmp-01', 'cmp-02', 'cmp-03']);
  expect(names(['openstack'])).toEqual(['cmp-01', 'cmp-02', 'cmp-03', 'net-1']);
  expect(names(['computes'])).toBe('has no group computes');
});

test.each([
  ['all:\n  hosts:\n', 'line 1 looks like YAML'],
  ['---\n', 'line 1 looks like YAML'],
  ['', 'has no hosts'],
  ['[compute]\n', 'has no hosts'],
  ['cmp-1\ncmp 2;id=1 $(id)\n', 'invalid address'],
  ['cmp-1 ansible_port=ssh', 'has the invalid port ssh for cmp-1'],
  ['cmp-1 ansible_host=-oProxyCommand=sh', 'invalid address'],
  ['cmp-[1:2] 10.0.0.1', 'line 1 has one address for several hosts'],
  ['cmp-1\n$(id)', 'line 2 has no host'],
  ['[compute:hosts:x]', 'line 1 has no host'],
  ['[a:other]\nx', 'line 2 is in [a:other]'],
  ['cmp-[1:9999]\nnet-[1:9999]', 'has more than 10,000 hosts'],
])('rejects %j', (text, problem) => {
  expect(parseInventory(text)).toEqual({ problem: expect.stringContaining(problem) as string });
});

test('survives groups that contain each other', () => {
  expect(parseInventory('[a]\nx\n[a:children]\nb\n[b:children]\na\n')).toEqual({ hosts: [{ name: 'x' }] });
});
