import { expect, test } from 'vitest';
import type { AnyCheck } from '../check/define-check.ts';
import type { AnyRemediation } from '../check/define-remediation.ts';
import type { Source, SourcePermission } from '../ports/source.ts';
import { writeLines } from './run-doctor.ts';
import { checkSource } from './sources.ts';

/** Only what the doctor reads of a check. */
function reading(clusters: NonNullable<AnyCheck['reads']>['clusters'], more: Partial<AnyCheck> = {}) {
  return { uses: ['clusters'], reads: { clusters }, ...more } as AnyCheck;
}
const fix = { uses: ['clusters'], allow: 'cordon' } as unknown as AnyRemediation;
const checks = new Map([
  ['node/disk', reading(['nodes', 'events', 'kubeletStats'])],
  ['node/versions', reading(['nodes', 'version'], { remediations: { cordon: fix, uncordon: fix } })],
  ['certs/expiring', { uses: ['certificates'] } as unknown as AnyCheck],
]);

function cluster(permissions: Source['permissions'], known: Partial<Source> = {}): Source {
  return {
    name: 'lab',
    kind: 'kubernetes',
    reads: { clusters: {} as never },
    healthCheck: async () => ({ ok: true, summary: 'Kubernetes v1.33.4, 3 nodes' }),
    ...(permissions && { permissions }),
    close: async () => {},
    ...known,
  };
}

const allowed = (method: string, permission: string): SourcePermission => ({
  method,
  permission,
  allowed: true,
});
const everything = [
  allowed('nodes', 'list nodes'),
  allowed('version', 'get /version'),
  allowed('events', 'list events'),
  allowed('daemonSets', 'list daemonsets.apps'),
  allowed('kubeletStats', 'get nodes/stats'),
];

async function doctorOn(source: Source, timeoutMs = 5_000): Promise<string> {
  return writeLines(await checkSource({ environment: 'prod', source, checks }, timeoutMs));
}

/** Everything is allowed except this permission, which has a hint on how to grant it. */
function without(permission: string, more: readonly SourcePermission[] = []) {
  return cluster(async () => [
    ...everything.map((one) =>
      one.permission === permission
        ? { ...one, allowed: false, hint: 'apply the ClusterRole wrench-read' }
        : one,
    ),
    ...more,
  ]);
}

test('if no permission is missing, one line lists the checks', async () => {
  expect(await doctorOn(cluster(async () => everything))).toBe(
    '✔ prod/lab: Kubernetes v1.33.4, 3 nodes\n' +
      '✔ prod/lab: has all permissions that node/disk and node/versions need\n',
  );
});

test('a missing permission fails, with the check that needs it and how to grant it', async () => {
  expect(await doctorOn(without('list events'))).toBe(
    '✔ prod/lab: Kubernetes v1.33.4, 3 nodes\n' +
      "✖ prod/lab: isn't allowed to list events, which node/disk needs\n" +
      '    Apply the ClusterRole wrench-read.\n',
  );
});

test('a missing permission that several checks need is one line', async () => {
  expect(await doctorOn(without('list nodes'))).toContain(
    "✖ prod/lab: isn't allowed to list nodes, which node/disk and node/versions need\n",
  );
});

test('one permission for several methods is one line', async () => {
  const proxy = ['kubeletStats', 'nodes'].map((method) => ({
    method,
    permission: 'get nodes/proxy',
    allowed: false,
  }));

  const said = await doctorOn(cluster(async () => proxy));

  expect(said.match(/nodes\/proxy/g)).toHaveLength(1);
  expect(said).toContain('which node/disk and node/versions need');
  expect(said).toContain('Grant this to the credential of the source.');
});

test('a permission that no check needs is not reported as missing', async () => {
  expect(await doctorOn(without('list daemonsets.apps'))).not.toMatch(/✖|!/);
});

test('permissions that the same checks need, from the same role, are one line', async () => {
  const hint = 'apply the ClusterRole wrench-cordon';
  const needed = ['get nodes', 'patch nodes'].map((permission) => ({
    method: 'cordon',
    permission,
    allowed: false,
    credential: 'allow.cordon',
    hint,
  }));
  const source = cluster(async () => needed, { writes: { clusters: {} as never } });

  expect(await doctorOn(source)).toBe(
    '✔ prod/lab: Kubernetes v1.33.4, 3 nodes\n' +
      "✖ prod/lab: the credential of `allow.cordon` isn't allowed to get nodes and patch nodes, which node/versions:cordon and node/versions:uncordon need\n" +
      '    Apply the ClusterRole wrench-cordon.\n',
  );
});

test('the permissions of a fix are checked only if the source may change something', async () => {
  const patch = { method: 'cordon', permission: 'patch nodes', allowed: false };
  const { permissions } = without('list nothing', [patch]);

  expect(await doctorOn(cluster(permissions))).not.toContain('patch nodes');
  expect(await doctorOn(cluster(permissions, { writes: { clusters: {} as never } }))).toContain(
    "✖ prod/lab: isn't allowed to patch nodes, which node/versions:cordon and node/versions:uncordon need\n",
  );
});

test('a permission that nothing in the configuration needs is a warning only if it is granted', async () => {
  const patch = { permission: 'patch nodes', hint: 'use a credential that can only read' };

  expect(await doctorOn(without('list nothing', [{ ...patch, allowed: false }]))).not.toContain('patch');
  expect(await doctorOn(without('list nothing', [{ ...patch, allowed: true }]))).toContain(
    '! prod/lab: is allowed to patch nodes, which nothing in the configuration needs\n' +
      '    Use a credential that can only read.\n',
  );
});

test('a permission that one credential needs and another should not have is a warning', async () => {
  const patch = { permission: 'patch nodes', allowed: true };
  const { permissions } = without('list nothing', [patch, { ...patch, method: 'cordon' }]);

  expect(await doctorOn(cluster(permissions, { writes: { clusters: {} as never } }))).toContain(
    '! prod/lab: is allowed to patch nodes, which nothing in the configuration needs\n',
  );
});

test('a permission that allows more than the check needs is a warning', async () => {
  const proxy: SourcePermission = {
    ...allowed('kubeletStats', 'get nodes/proxy'),
    alsoAllows: 'run commands in every container',
    hint: 'set `kubelets: direct`',
  };

  expect(await doctorOn(without('list nothing', [proxy]))).toContain(
    '! prod/lab: is allowed to get nodes/proxy, which also lets it run commands in every container\n' +
      '    Set `kubelets: direct`.\n',
  );
});

test('unreadable permissions are a failure', async () => {
  const refused = cluster(() => Promise.reject(new Error('403 from https://10.0.0.1:6443')));

  expect(await doctorOn(refused)).toBe(
    '✔ prod/lab: Kubernetes v1.33.4, 3 nodes\n' +
      "✖ prod/lab: couldn't read its permissions: 403 from https://10.0.0.1:6443\n" +
      "    Run `wrench doctor` again. If it fails again, check the permissions with the source's own tools.\n",
  );
  expect(
    await doctorOn(
      cluster(() => new Promise<never>(() => {})),
      50,
    ),
  ).toContain("couldn't read its permissions: no response in 0.05 s");
});

test('a source that is down is one line; an unhealthy one still lists missing permissions', async () => {
  const healthCheck = async () => ({ ok: false, summary: 'refused the connection' });
  const down = cluster(() => Promise.reject(new Error('refused the connection')), { healthCheck });
  const working = cluster(without('list nodes').permissions, { healthCheck });

  expect((await doctorOn(down)).match(/prod\/lab:/g)).toHaveLength(1);
  expect(await doctorOn(working)).toContain("isn't allowed to list nodes");
});
