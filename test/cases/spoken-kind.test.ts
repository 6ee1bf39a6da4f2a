import { expect, test } from 'vitest';
import { kindOf, type SpokenKind, secondsLater } from './spoken-kind.ts';

test.each<[of: string, ask: string, kind: SpokenKind, more?: object]>([
  ['cmp-12', 'ip -j -d link show', 'host', { rc: 0 }],
  ['nova', 'GET /os-services', 'cloud', { status: 200 }],
  ['glance', 'GET /v2/images/6f2d', 'cloud', { status: 404 }],
  ['nova-api', 'slowest requests, last hour', 'host', { rc: 0 }],
  ['nova-api', 'journalctl -u nova-api', 'host'],
  ['nova', 'journalctl -u nova-conductor', 'host', { rc: 0 }],
  ['rabbitmq', 'GET /api/nodes', 'broker', { status: 200 }],
  ['rabbitmq ctl-1', 'GET /api/nodes', 'broker', { status: 200 }],
  ['rabbitmq', 'the same, 10 min later', 'broker'],
  ['mariadb nova', 'SELECT COUNT(*) FROM instances', 'database'],
  ['mysql', 'SHOW REPLICA STATUS', 'database', { rc: 0 }],
  ['galera-2', 'SELECT @@read_only', 'database', { rc: 0 }],
  ['galera-2', 'uptime', 'host', { rc: 0 }],
  ['db-1', 'SELECT 1 FROM instances', 'database', { rc: 0 }],
  ['db-1', 'find /var/backups -name "*.sql.gz"', 'host', { rc: 0 }],
  ['leaf-a', 'show logging', 'logs'],
  ['syslog', 'switch messages, last 2 h', 'logs', { rc: 0 }],
  ['inventory', 'port descriptions', 'inventory', { rc: 0 }],
  ['placement', 'GET /resource_providers', 'other', { status: 200 }],
])('%s: `%s` is of a %s', (of, ask, kind, more = {}) => {
  expect(kindOf({ of, ask, json: undefined, ...more })).toBe(kind);
});

test('how much later a question was repeated', () => {
  expect(secondsLater('the same, 60 s later')).toBe(60);
  expect(secondsLater('the same, 10 min later: messages of the first two')).toBe(600);
  expect(secondsLater('uptime')).toBeUndefined();
});
