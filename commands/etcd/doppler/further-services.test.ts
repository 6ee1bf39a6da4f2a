import { expect, test } from 'vitest';
import { diagnoseFor } from './diagnose.ts';
import type { Service } from './services.ts';
import { deployment, factsOf, instance, members, tree, SERVER_TIME } from './builders.ts';

/** Whoever has a route keeps it by writing it again; so does the routing API its own: https://github.com/cloudfoundry/routing-api */
const ROUTING_API: Service = {
  name: 'routing API',
  process: 'routing-api',
  group: /^api/,
  roots: [
    {
      prefix: '/routes',
      read: ([path = '']) => {
        const [, host, port] = /,([\d.]+):(\d+)$/.exec(path) ?? [];
        return host === undefined || port === undefined
          ? 'its path is not <route>,<ip>:<port>'
          : { hosts: [host], protocols: ['http'] };
      },
    },
  ],
  expects: 'each',
  unownedKeys: 'others',
  sharedCauses: ['etcd itself: /etcd health'],
};

/** One of them leads, and its name is in the key for as long as it does: https://github.com/cloudfoundry/loggregator-release/tree/d11b9f1/src/syslog_drain_binder */
const SYSLOG_DRAIN_BINDER: Service = {
  name: 'syslog drain binder',
  process: 'syslog_drain_binder',
  group: /^doppler/,
  roots: [
    {
      prefix: '/syslog_drain_binder',
      read: (_, value) => {
        const [group, id] = value.split('/');
        return group === undefined || id === undefined
          ? 'its value is no instance’s name'
          : { group, id, hosts: [], protocols: [] };
      },
    },
  ],
  expects: 'one',
  unownedKeys: 'others',
  sharedCauses: ['etcd itself: /etcd health'],
};

function etcdWith(prefix: string, keys: Parameters<typeof tree>[1]) {
  const readTree = (isLater: boolean) => [tree(prefix, keys, [], isLater)];
  return { name: 'etcd', earlier: readTree(false), later: readTree(true), members: members(['a', 'b', 'c']) };
}

const route = (path: string) => ({ key: `/routes/${path}`, value: '{"route":"x","port":3000,"ttl":60}' });
const said = ({ findings }: ReturnType<ReturnType<typeof diagnoseFor>>) =>
  findings.map(({ reason, target }) => `${reason} ${target}`);

const apis = ['api_z1/0', 'api_z2/0'].map((name, at) =>
  instance({ name, address: `10.0.3.${at + 1}`, processes: { 'routing-api': 'running' } }),
);
const binders = ['doppler_z1/0', 'doppler_z2/0'].map((name) =>
  instance({ name, processes: { doppler: 'running', syslog_drain_binder: 'running' } }),
);

test('a routing API whose route is gone is found and offered a restart, and routes of others are theirs', () => {
  const routes = [route('api.cf.example.com%2Frouting,10.0.3.1:3000'), route('shop.example.com,10.9.9.9:80')];
  const report = diagnoseFor(ROUTING_API)(
    factsOf([etcdWith('/routes', routes)], [deployment(apis)]),
    {
      protocols: [],
    },
    SERVER_TIME,
  );
  expect(report.verdict).toBe('api_z2/0 is running but not registered; the other one is');
  expect(said(report)).toEqual(['registration-stuck api_z2/0']);
  expect(report.findings[0]?.offers?.map(({ params }) => params.process)).toEqual(['routing-api']);
  expect(report.measures).toEqual([
    { label: 'api_z1', value: 1, unit: 'registered' },
    { label: 'api_z2', value: 0, unit: 'registered' },
  ]);
});

test('one syslog drain binder leads, and the others are fine', () => {
  const leader = { key: '/syslog_drain_binder/leader', value: 'doppler_z2/0' };
  const report = diagnoseFor(SYSLOG_DRAIN_BINDER)(
    factsOf([etcdWith('/syslog_drain_binder', [leader])], [deployment(binders)]),
    { protocols: [] },
    SERVER_TIME,
  );
  expect(report).toMatchObject({
    verdict: 'doppler_z2/0 leads among 2 syslog drain binders',
    findings: [],
    examined: 2,
  });
});

test('with no syslog drain binder leading, they share a cause: none is restarted', () => {
  const report = diagnoseFor(SYSLOG_DRAIN_BINDER)(
    factsOf([etcdWith('/syslog_drain_binder', [])], [deployment(binders)]),
    { protocols: [] },
    SERVER_TIME,
  );
  expect(report.verdict).toBe('None of the 2 syslog drain binders leads');
  expect(said(report)).toEqual(['all-missing /syslog_drain_binder']);
  expect(report.findings[0]?.offers).toBeUndefined();
});
