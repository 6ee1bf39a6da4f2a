import { expect, test } from 'vitest';
import { probeIn } from './to-probe.ts';

const probe = (value: unknown) => probeIn({ livenessProbe: value }, 'livenessProbe');
const textOf = (value: unknown) => probe(value)?.text;
const exec = (...command: readonly unknown[]) => textOf({ exec: { command } });

test('fills in the defaults of the API server', () => {
  expect(
    probe({ exec: { command: ['etcdctl', 'get', 'foo'] }, failureThreshold: 8, periodSeconds: 0 }),
  ).toEqual({
    action: 'exec',
    text: 'exec etcdctl',
    initialDelaySeconds: 0,
    periodSeconds: 10,
    timeoutSeconds: 1,
    failureThreshold: 8,
  });
  expect(probe({ tcpSocket: { port: 'sql' }, terminationGracePeriodSeconds: 5 })).toMatchObject({
    graceSeconds: 5,
  });
  expect(probe(undefined)).toBeUndefined();
  expect(probe(null)).toBeUndefined();
});

test.each(['7', -1, 1.5, 1e308, {}, [], true])('nothing can be calculated with the threshold %j', (value) => {
  expect(probe({ tcpSocket: { port: 80 }, failureThreshold: value })).toMatchObject({
    action: 'unknown',
    text: 'a probe with unreadable settings',
  });
});

test('a probe that is no object is still a probe', () => {
  for (const value of ['x', 7, [], true]) expect(probe(value)).toMatchObject({ action: 'unknown' });
});

test.each<readonly [string, unknown]>([
  [
    'GET https://127.0.0.1:10257/healthz',
    { scheme: 'HTTPS', host: '127.0.0.1', port: 10_257, path: '/healthz' },
  ],
  ['GET http://:8080/health', { port: 8080, path: '/health?token=CANARY#CANARY' }],
  ['GET http://:web/', { port: 'web' }],
  ['GET http://[::1]:80/', { host: '::1', port: 80, path: '' }],
  ['GET http://unknown:80/', { host: 'user:CANARY@host', port: 80 }],
  ['GET http://:unknown/x', { port: { CANARY: 1 }, path: 'x' }],
])('%s', (text, httpGet) => {
  expect(textOf({ httpGet })).toBe(text);
});

test('TCP and gRPC probes name their port', () => {
  expect(textOf({ tcpSocket: { port: 5432 } })).toBe('TCP port 5432');
  expect(textOf({ grpc: { port: 9000, service: 'CANARY' } })).toBe('gRPC port 9000');
  expect(textOf({ tcpSocket: {} })).toBe('TCP port unknown');
  expect(textOf({ somethingNew: {} })).toBe('a probe of an unknown kind');
});

test.each<readonly [string, readonly unknown[]]>([
  ['exec pg_isready', ['pg_isready', '-U', 'CANARY']],
  ['exec /usr/local/bin/check', ['/usr/local/bin/check']],
  ['exec curl', ['sh', '-c', 'curl -u admin:CANARY http://localhost']],
  ['exec redis-cli', ['/bin/bash', '-ec', "REDIS_PASSWORD='CAN ARY' redis-cli ping"]],
  ['exec mysql', ['sh', '-c', 'A=1 PW="x \\" CANARY" mysql']],
  ['exec etcdctl', ['/bin/sh', '-ec', 'ETCDCTL_API=3 etcdctl --cacert=CANARY get foo']],
  ['exec wget', ['bash', '-o', 'pipefail', '-c', 'wget -q CANARY']],
  ['exec pgrep', ['sh', '-c', '--', 'pgrep CANARY']],
  ['exec sh', ['sh', '-c', '"$CANARY" x']],
  ['exec sh', ['sh', '-c', "PW='CANARY unclosed x"]],
  ['exec sh', ['sh', '-c', 'if [ CANARY ]; then']],
  ['exec sh', ['sh', '-c', '$(CANARY)']],
  ['exec /check.sh', ['/check.sh', '-c', 'CANARY']],
  ['exec curl', ['curl -u admin:CANARY']],
  ['exec', []],
  ['exec', ['TOKEN=CANARY']],
  ['exec', [`${'x'.repeat(100)}CANARY`]],
  ['exec', [7, null, {}]],
])('%s: shows no argument of %j', (text, command) => {
  expect(exec(...command)).toBe(text);
  expect(exec(...command)).not.toContain('CANARY');
});

test('a huge script is mapped quickly', () => {
  for (const script of ['A=', '\\', "A='", 'A=B '].map((part) => part.repeat(1_000_000)))
    expect(exec('sh', '-c', script)).toBe('exec sh');
});
