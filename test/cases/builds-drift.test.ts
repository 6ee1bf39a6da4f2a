import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { askCase } from './ask-case.ts';
import { buildCaseSchema } from './build-case.ts';

/** Outages rebuilt from public reports, each through real replicas, an API server and engines on loopback. */

type Raw = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- the JSON of a case, which variations change anywhere

async function read(name: string): Promise<Raw> {
  const folder = new URL('builds/', import.meta.url);
  const file = (await readdir(folder)).find((one) => one.startsWith(`${name}-`));
  return JSON.parse(await readFile(new URL(file!, folder), 'utf8')) as Raw;
}

/** Runs a case, after a change of it. */
async function ask(name: string, change: (raw: Raw) => void = () => {}) {
  const raw = await read(name);
  change(raw);
  const verdict = await askCase({ case: name, ...buildCaseSchema.parse(raw) });
  const { report, status, offers, text } = verdict;
  return {
    status,
    offers,
    text,
    verdict: report.verdict,
    found: report.findings.map(({ severity, reason }) => `${severity} ${reason}`),
    targets: report.findings.flatMap(({ target, targets = [target] }) => targets),
    gaps: report.gaps.map(({ what }) => what),
    notes: report.notes ?? [],
  };
}

const items = (raw: Raw, kind: string): Raw[] =>
  Object.entries(raw['kubernetes'] as Raw).find(([call]) => call.endsWith(`/${kind}`))?.[1].items as Raw[];

const replica = (raw: Raw, at: number): Raw => raw['replicas'][at] as Raw;

const says = (raw: Raw, at: number, body: object | string): void => {
  replica(raw, at)['body'] = typeof body === 'string' ? body : JSON.stringify(body);
};

const deployment = (raw: Raw): Raw => items(raw, 'deployments')[0]!;

const expectNothing = { found: [], gaps: [], offers: [] };

describe('a rollout whose image was never pushed', () => {
  test('is the cause; that the old replicas agree is no comfort', async () => {
    const result = await ask('b01');
    expect(result).toMatchObject({ status: 'found', found: ['warning rollout-stuck'], gaps: [], offers: [] });
    expect(result.verdict).toContain(
      'stuck for 80 minutes (ImagePullBackOff of registry.example/harbour/api:210)',
    );
    expect(result.verdict).toContain('all 3 replicas run 209 (expected: 210)');
  });

  test('is found without a label that says what is expected', async () => {
    const result = await ask('b01', (raw) => {
      raw['expected'] = null;
    });
    expect(result).toMatchObject({ status: 'found', found: ['warning rollout-stuck'] });
  });

  test('is found while its condition still says that it progresses', async () => {
    const result = await ask('b01', (raw) => {
      deployment(raw)['status'].conditions[1] = {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        lastUpdateTime: '2026-11-26T11:59:00Z',
      };
    });
    expect(result).toMatchObject({ status: 'found', found: ['warning rollout-stuck'], offers: [] });
  });

  test('is found if the new pod runs and is never ready', async () => {
    const result = await ask('b01', (raw) => {
      const status = items(raw, 'pods')[3]!['status'];
      status.phase = 'Running';
      status.containerStatuses[0].state = { running: { startedAt: '2026-11-26T10:31:00Z' } };
    });
    expect(result).toMatchObject({ status: 'found', found: ['warning rollout-stuck'], gaps: [], offers: [] });
    expect(result.verdict).toContain('its new pods are not ready');
  });
});

// https://github.com/ambient-code/platform/issues/1030, https://github.com/wger-project/helm-charts/issues/21
describe('a tag that has moved', () => {
  test('is found behind a rollout that is complete, and is not helped by a restart', async () => {
    expect(await ask('b02')).toMatchObject({
      status: 'found',
      found: ['warning mutable-tag'],
      targets: ['ledger-5f-b'],
      offers: ['pin-image'],
    });
  });

  test('is pulled again by a restart with the policy Always', async () => {
    const result = await ask('b02', (raw) => {
      deployment(raw)['spec'].template.spec.containers[0].imagePullPolicy = 'Always';
    });
    expect(result.offers.toSorted()).toEqual(['pin-image', 'restart-workload']);
  });

  test('is not pinned while Argo CD would revert that', async () => {
    const result = await ask('b02', (raw) => {
      deployment(raw)['metadata'].annotations['argocd.argoproj.io/tracking-id'] =
        'ledger:apps/Deployment:led/ledger';
    });
    expect(result).toMatchObject({ found: ['warning mutable-tag'], offers: [] });
  });

  test('is not the cause if all run one image: then it is the environment', async () => {
    const result = await ask('b02', (raw) => {
      const [first, ...others] = items(raw, 'pods');
      for (const pod of others)
        pod['status'].containerStatuses[0].imageID = first!['status'].containerStatuses[0].imageID;
    });
    expect(result.found).toEqual(['warning same-image-other-build']);
  });
});

// https://github.com/k8sgpt-ai/k8sgpt/issues/1740
describe('a rolling update', () => {
  test('in progress is no fault', async () => {
    const result = await ask('b03');
    expect(result).toMatchObject({ found: ['info rollout-in-progress'], gaps: [], offers: [] });
    expect(result.verdict).toContain('in progress for 80 s, 2 of 3 updated');
  });

  test('that made its last progress an hour ago is stuck', async () => {
    const result = await ask('b03', (raw) => {
      deployment(raw)['status'].conditions[1].lastUpdateTime = '2026-11-26T11:00:00Z';
    });
    expect(result.found).toEqual(['warning rollout-stuck']);
  });

  test('to a build that says something else is a fault', async () => {
    const result = await ask('b03', (raw) => {
      for (const at of [2, 3]) says(raw, at, { buildNumber: 76 });
    });
    expect(result.found).toEqual(['warning not-expected', 'info rollout-in-progress']);
  });
});

// https://github.com/moby/moby/issues/44144, https://github.com/podman-container-tools/podman/issues/24858
describe('digests', () => {
  test('of one image are not compared across kinds, architectures and runtimes', async () => {
    expect(await ask('b04')).toMatchObject({ status: 'clear', ...expectNothing });
  });

  test('of one kind on one architecture are', async () => {
    const result = await ask('b04', (raw) => {
      const [first, second] = items(raw, 'pods');
      const id = `registry.example/harbour/api@sha256:${'5'.repeat(64)}`;
      second!['status'].containerStatuses[0].imageID = id;
      first!['spec'].nodeName = 'amd-2';
    });
    expect(result.found).toEqual(['warning mutable-tag']);
  });

  test('say nothing against a number that differs', async () => {
    const result = await ask('b04', (raw) => says(raw, 1, '76\n'));
    expect(result).toMatchObject({ found: ['warning different-builds'], targets: ['map-9c-b'] });
  });
});

// https://github.com/Fighter90/career-ops-ui/issues/323, https://github.com/niclaseschner-ship-it/xbuddy/issues/1788
describe('a number that is read from disk', () => {
  test('is not what a process runs that is older than it', async () => {
    expect(await ask('b05')).toMatchObject({
      found: ['warning process-older-than-build'],
      targets: ['host-2/quote'],
      gaps: [],
    });
  });

  test('is compared with the start of the container if the process does not say when it started', async () => {
    const result = await ask('b05', (raw) => {
      for (const at of [0, 1])
        says(raw, at, { status: 'ok', version: '1.77.4', built_at: '2026-11-14T09:40:00Z' });
    });
    expect(result.targets).toEqual(['host-2/quote']);
  });

  test('is all there is without times', async () => {
    const result = await ask('b05', (raw) => {
      for (const at of [0, 1]) says(raw, at, { status: 'ok', version: '1.77.4' });
    });
    expect(result).toMatchObject({ status: 'clear', ...expectNothing });
  });
});

// https://github.com/garrytan/gbrain/issues/5070, https://github.com/markmhendrickson/neotoma/issues/2137
describe('one version of two commits', () => {
  test('is two builds; what says nothing agrees with neither', async () => {
    const result = await ask('b06');
    expect(result).toMatchObject({
      status: 'found',
      found: ['warning different-builds'],
      gaps: ['bank/api: 10.244.5.3:8080', 'bank/api: 10.244.5.4:8080'],
    });
    expect(result.text).not.toContain('21.0.5');
    expect(result.verdict).toContain('2 of 4');
  });

  test('is unknown, and not clear, if only one says anything', async () => {
    const result = await ask('b06', (raw) => says(raw, 1, '{}'));
    expect(result).toMatchObject({ status: 'unknown', found: [] });
  });

  test('is one build if the commits are written in full and abbreviated', async () => {
    const result = await ask('b06', (raw) => {
      raw['replicas'].splice(2);
      says(raw, 1, {
        git: { commit: { id: `4c1be90${'a'.repeat(33)}` } },
        build: { version: '1.0.3', time: '2026-11-25T17:50:00Z' },
      });
    });
    expect(result).toMatchObject({ status: 'clear', ...expectNothing });
  });
});

// https://github.com/kubernetes/kubernetes/issues/24888, https://github.com/kubernetes/kubernetes/issues/24152
describe('a ReplicaSet without its Deployment', () => {
  test('serves an old build, and nothing that changes the Deployment helps', async () => {
    expect(await ask('b07')).toMatchObject({
      found: ['warning orphaned-replicas'],
      targets: ['hello-1aa-1', 'hello-1aa-2'],
      offers: [],
    });
  });

  test('is found without an expected build', async () => {
    const result = await ask('b07', (raw) => {
      raw['expected'] = null;
    });
    expect(result.found).toEqual(['warning orphaned-replicas']);
  });

  test('is found while its pods do not respond', async () => {
    const result = await ask('b07', (raw) => {
      for (const at of [0, 1]) raw['replicas'][at] = { url: replica(raw, at)['url'], error: 'ECONNREFUSED' };
    });
    expect(result).toMatchObject({ found: ['warning orphaned-replicas'], status: 'found' });
  });
});

// https://github.com/selhorys/dataspoke-baseline/issues/128, https://github.com/helm/helm/issues/9041
describe('replicas that are all equally old', () => {
  test('are not what is expected; a restart pulls the tag again', async () => {
    expect(await ask('b08')).toMatchObject({
      found: ['warning not-expected'],
      offers: ['restart-workload'],
    });
  });

  test('are not restarted if the nodes would keep their copies', async () => {
    const result = await ask('b08', (raw) => {
      deployment(raw)['spec'].template.spec.containers[0].imagePullPolicy = 'IfNotPresent';
    });
    expect(result).toMatchObject({ found: ['warning not-expected'], offers: [] });
  });

  test('are unknown, and not clear, if the annotation is missing', async () => {
    const result = await ask('b08', (raw) => {
      delete deployment(raw)['metadata'].annotations['harbour.example/build'];
    });
    expect(result).toMatchObject({ status: 'unknown', gaps: ['ui/front: expected build'] });
  });
});

// https://github.com/arniesaha/agentweave/issues/252, https://github.com/kubernetes/kubernetes/issues/128479
describe('a pod that is draining', () => {
  test('is not counted', async () => {
    const result = await ask('b09');
    expect(result).toMatchObject({ status: 'clear', ...expectNothing });
    expect(result.notes.join()).toContain('proxy-1-9 is being deleted');
  });

  test('is counted once it is not being deleted', async () => {
    const result = await ask('b09', (raw) => {
      const endpoint = items(raw, 'endpointslices')[0]!['endpoints'][2];
      endpoint.conditions = { ready: true, serving: true, terminating: false };
      delete items(raw, 'pods')[2]!['metadata'].deletionTimestamp;
    });
    expect(result).toMatchObject({ found: ['warning old-replicas'], targets: ['proxy-1-9'] });
  });

  test('leaves nothing to check if all others are gone', async () => {
    const result = await ask('b09', (raw) => {
      items(raw, 'endpointslices')[0]!['endpoints'].splice(0, 2);
      items(raw, 'pods').splice(0, 2);
    });
    expect(result.status).not.toBe('clear');
  });
});

// https://github.com/mozilla/testpilot/issues/394
describe("Mozilla's version object", () => {
  test('has a commit and a build, whatever its empty version says', async () => {
    expect(await ask('b10')).toMatchObject({
      status: 'found',
      found: ['warning different-builds'],
      targets: ['10.244.9.3:8080'],
      gaps: ['moz/push: 10.244.9.4:8080'],
    });
  });

  test('is unknown where only a login page responds', async () => {
    const result = await ask('b10', (raw) => {
      raw['replicas'].splice(2);
      for (const at of [0, 1]) says(raw, at, '<html><title>Sign in</title>Version 5.2</html>');
    });
    expect(result).toMatchObject({ status: 'unknown', found: [] });
  });

  test('is expected as an abbreviated commit', async () => {
    const change = (value: string) => (raw: Raw) => {
      raw['replicas'].splice(2);
      raw['expected'] = { from: 'argument', value };
    };
    expect((await ask('b10', change('8f1c0de1234'))).status).toBe('clear');
    expect((await ask('b10', change('8811'))).found).toEqual(['warning not-expected']);
  });
});

/** Changes that keep a case right, or make it wrong in another way. */
describe('a sidecar', () => {
  const withSidecar = (raw: Raw, portOf: 'api' | 'proxy' | undefined): void => {
    const sidecar = { name: 'proxy', image: 'registry.example/proxy:1.20' };
    const digest = `registry.example/proxy@sha256:${'9'.repeat(64)}`;
    const add = (containers: Raw[]) => containers.unshift({ ...sidecar });
    add(deployment(raw)['spec'].template.spec.containers);
    for (const set of items(raw, 'replicasets')) add(set['spec'].template.spec.containers);
    for (const pod of items(raw, 'pods')) {
      add(pod['spec'].containers);
      const status = pod['status'].containerStatuses;
      status.unshift({ ...status[0], name: 'proxy', image: sidecar.image, imageID: digest });
      for (const one of pod['spec'].containers) {
        delete one.ports;
        if (one.name === portOf) one.ports = [{ containerPort: 8080 }];
      }
    }
  };

  test('in front of the container with the port is not what is compared or pinned', async () => {
    const result = await ask('b02', (raw) => withSidecar(raw, 'api'));
    expect(result).toMatchObject({ found: ['warning mutable-tag'], offers: ['pin-image'] });
    expect(result.text).not.toContain('registry.example/proxy');
  });

  test('is never pinned to the image of another container if it is unknown which one responds', async () => {
    const result = await ask('b02', (raw) => withSidecar(raw, undefined));
    expect(result).toMatchObject({ found: ['warning different-builds'], offers: [] });
  });
});

describe('variations of a rollout', () => {
  test('one that is paused while its image can not be pulled is a fault', async () => {
    const result = await ask('b01', (raw) => {
      deployment(raw)['spec'].paused = true;
      deployment(raw)['status'].conditions[1] = {
        type: 'Progressing',
        status: 'Unknown',
        reason: 'DeploymentPaused',
        lastTransitionTime: '2026-11-26T11:50:00Z',
      };
    });
    expect(result).toMatchObject({ found: ['warning rollout-paused'], offers: [] });
  });

  test('one that goes back to a ReplicaSet of last month is no slow one', async () => {
    const result = await ask('b03', (raw) => {
      for (const set of items(raw, 'replicasets')) set['metadata'].creationTimestamp = '2026-10-20T08:00:00Z';
    });
    expect(result.found).toEqual(['info rollout-in-progress']);
  });

  test('without revisions, a ReplicaSet with another image is an earlier one', async () => {
    const result = await ask('b03', (raw) => {
      delete deployment(raw)['metadata'].annotations;
      for (const set of items(raw, 'replicasets')) delete set['metadata'].annotations;
    });
    expect(result.found).toEqual(['info rollout-in-progress']);
  });

  test('while pods are added is none', async () => {
    const result = await ask('b08', (raw) => {
      raw['expected'] = { from: 'argument', value: '212' };
      deployment(raw)['spec'].replicas = 6;
    });
    expect(result).toMatchObject({ status: 'clear', found: [], gaps: [] });
  });
});

describe('variations of a ReplicaSet without its Deployment', () => {
  test('it may still name one that is gone', async () => {
    const result = await ask('b07', (raw) => {
      const orphan = items(raw, 'replicasets').find(({ metadata }) => metadata.name === 'hello-1aa')!;
      orphan['metadata'].creationTimestamp = '2026-11-01T08:00:00Z';
      orphan['metadata'].ownerReferences = [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'hello', uid: 'gone', controller: true },
      ];
    });
    expect(result).toMatchObject({ found: ['warning orphaned-replicas'], offers: [] });
  });
});

describe('a digest in the template', () => {
  test('has not moved, whatever names nodes give it', async () => {
    const result = await ask('b04', (raw) => {
      for (const object of [deployment(raw), ...items(raw, 'replicasets')])
        object['spec'].template.spec.containers[0].image += `@sha256:${'7'.repeat(64)}`;
      const [first, second] = items(raw, 'pods');
      second!['status'].containerStatuses[0].imageID =
        `registry.example/harbour/api@sha256:${'5'.repeat(64)}`;
      first!['spec'].nodeName = second!['spec'].nodeName;
    });
    expect(result).toMatchObject({ status: 'clear', ...expectNothing });
  });
});

describe('replicas on a host', () => {
  const published = (IP: string) => (raw: Raw) => {
    for (const [call, rows] of Object.entries(raw['docker'] as Record<string, Raw[]>))
      if (call.startsWith('host-2'))
        rows[0]!['Ports'] = [{ IP, PrivatePort: 3000, PublicPort: 3000, Type: 'tcp' }];
  };

  test('of which one has exited are compared without it', async () => {
    const result = await ask('b05', (raw) => {
      raw['docker']['host-2 GET /containers/json'][0].State = 'exited';
    });
    expect(result).toMatchObject({ status: 'clear', found: [] });
    expect(result.notes.join()).toContain('host-2/quote is not ready');
  });

  test('that publish their port on an address that is not allowed are unknown', async () => {
    const result = await ask('b05', published('169.254.169.254'));
    expect(result).toMatchObject({ status: 'unknown', found: [], gaps: ['quote: host-2/quote'] });
  });
});

describe('what replicas say', () => {
  test.each<[string, readonly (object | string)[], string, readonly string[]]>([
    [
      'numbers that differ in the 17th digit',
      ['{"buildNumber":20261126093015001}', '{"buildNumber":20261126093015002}'],
      'found',
      [],
    ],
    ['one number in three forms', ['{"build":209.0}', 'v209\n'], 'clear', []],
    ['a number, and one with changes that were not committed', ['209', '209-dirty'], 'found', []],
    [
      'a number, and one with its commit',
      ['209', '{"build":"209-8f1c0de"}'],
      'unknown',
      ['moz/push: 10.244.9.2:8080'],
    ],
    [
      'a commit in full and abbreviated to five digits',
      [{ commit: '8f1c0' }, { commit: `8f1c0de${'0'.repeat(33)}` }],
      'clear',
      [],
    ],
    [
      'a number and an error of a gateway',
      ['209', '<html>502</html>'],
      'unknown',
      ['moz/push: 10.244.9.2:8080'],
    ],
    ['a number with a NUL byte', ['209', '209\u0000'], 'unknown', ['moz/push: 10.244.9.2:8080']],
    ['nothing that was ever set', ['{"buildNumber":0}', '{"version":"dev"}'], 'unknown', []],
  ])('%s', async (_, bodies, status, gaps) => {
    const result = await ask('b10', (raw) => {
      raw['replicas'].splice(2);
      for (const [at, body] of bodies.entries()) says(raw, at, body);
    });
    expect(result.status).toBe(status);
    expect(result.gaps).toEqual(expect.arrayContaining([...gaps]));
  });

  test.each([204, 301, 401, 503])('with the status %i is unknown', async (status) => {
    const result = await ask('b10', (raw) => {
      raw['replicas'].splice(2);
      replica(raw, 1)['status'] = status;
    });
    expect(result).toMatchObject({ status: 'unknown', found: [], gaps: ['moz/push: 10.244.9.2:8080'] });
  });
});
