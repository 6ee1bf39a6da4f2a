import { describe, expect, test } from 'vitest';
import type { Cause } from './causes.ts';
import { manifestAdvice, manifestChanges } from './static-manifest.ts';

const PROBE = {
  action: 'exec',
  text: 'exec etcdctl',
  initialDelaySeconds: 15,
  periodSeconds: 10,
  timeoutSeconds: 15,
  failureThreshold: 8,
} as const;

const killed = (known: Partial<Extract<Cause, { kind: 'killed-by-probe' }>> = {}): Cause => ({
  kind: 'killed-by-probe',
  probe: 'liveness',
  how: 'times-out',
  by: 'lifetime',
  windows: [],
  isExecBroken: false,
  ...known,
});

const THRESHOLD = { probe: 'liveness', field: 'failureThreshold', from: 8, to: 24 } as const;
const ETCD = { owner: { kind: 'Static', name: 'etcd' }, container: 'etcd' };

const textOf = (...given: Parameters<typeof manifestAdvice>): string =>
  JSON.stringify(manifestAdvice(...given));

describe('what to change', () => {
  test('of a probe that times out: its timeout, or how often it may fail', () => {
    expect(manifestChanges({ liveness: PROBE }, killed())).toEqual([
      { probe: 'liveness', field: 'timeoutSeconds', from: 15, to: 30 },
      THRESHOLD,
    ]);
  });

  test('if it is unknown how the probe fails: how often it may fail', () => {
    expect(manifestChanges({ liveness: PROBE }, killed({ how: 'either' }))).toEqual([THRESHOLD]);
  });

  test('of a startup probe, not of the liveness probe', () => {
    const startup = { ...PROBE, failureThreshold: 24 };
    const cause = killed({ probe: 'startup', how: 'either' });
    expect(manifestChanges({ liveness: PROBE, startup }, cause)).toEqual([
      { probe: 'startup', field: 'failureThreshold', from: 24, to: 72 },
    ]);
  });

  test.each<readonly [string, Cause]>([
    ['a runtime that cannot run the command', killed({ isExecBroken: true })],
    ['another cause', { kind: 'out-of-memory' }],
  ])('nothing for %s', (_, cause) => {
    expect(manifestChanges({ liveness: PROBE }, cause)).toEqual([]);
  });

  test('of a probe that fails at once, nothing fixes it: a higher threshold only postpones the kill, and says so', () => {
    const changes = manifestChanges({ liveness: PROBE }, killed({ how: 'fails' }));
    expect(changes).toEqual([
      { ...THRESHOLD, postponesTo: { how: 'fails', fromSeconds: 245, toSeconds: 255 } },
    ]);
    expect(textOf({ ...ETCD, nodes: [{ name: 'cp-1' }] }, changes)).toContain(
      'It only gains time: the probe still fails, and kills it 245 to 255 s after each start',
    );
  });

  test('nothing if the probe is unknown', () => {
    expect(manifestChanges({}, killed())).toEqual([]);
  });
});

describe('where and how', () => {
  test("names kubeadm's file on the host as a guess, and the exact change", () => {
    const [manifest, change] = manifestAdvice({ ...ETCD, nodes: [{ name: 'cp-1' }] }, [THRESHOLD]);
    expect(manifest).toEqual({
      kind: 'field',
      label: 'Manifest',
      value:
        "/etc/kubernetes/manifests/etcd.yaml on cp-1, if kubeadm wrote it: the kubelet's `staticPodPath` is unknown",
    });
    expect(change).toMatchObject({ value: 'livenessProbe.failureThreshold: 8 → 24 (container etcd)' });
  });

  test("uses the kubelet's directory if it is known", () => {
    const nodes = [{ name: 'cp-1', staticPodPath: '/var/lib/kubelet/static/' }];
    const text = textOf({ ...ETCD, nodes }, [THRESHOLD]);
    expect(text).toContain('/var/lib/kubelet/static/etcd.yaml on cp-1, in the kubelet');
    expect(text).toContain('mv /var/lib/kubelet/etcd.yaml.new /var/lib/kubelet/static/etcd.yaml');
    expect(text).not.toContain('/etc/kubernetes');
  });

  test('every copy is outside the directory that the kubelet reads, and the last command moves it in place', () => {
    const advice = manifestAdvice({ ...ETCD, nodes: [{ name: 'cp-1' }] }, [THRESHOLD]);
    const lines = advice.flatMap((one) => (one.kind === 'log' ? one.lines : []));
    expect(lines).toEqual([
      'cp -p /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/etcd.yaml.backup',
      'cp -p /etc/kubernetes/manifests/etcd.yaml /etc/kubernetes/etcd.yaml.new',
      'vi /etc/kubernetes/etcd.yaml.new',
      'mv /etc/kubernetes/etcd.yaml.new /etc/kubernetes/manifests/etcd.yaml',
    ]);
  });

  test('warns of the outage of the API server only where there is one', () => {
    const nodes = [{ name: 'cp-1' }];
    expect(textOf({ ...ETCD, nodes }, [THRESHOLD])).toContain(
      'the API server does not respond for some seconds',
    );
    const proxy = {
      owner: { kind: 'Static', name: 'kube-system/kube-proxy' },
      container: 'kube-proxy',
      nodes,
    };
    const text = textOf(proxy, [THRESHOLD]);
    expect(text).toContain('/etc/kubernetes/manifests/kube-proxy.yaml on cp-1');
    expect(text).not.toContain('API server does not respond');
  });

  test('several hosts are changed one after the other, each in its own directory', () => {
    const nodes = [{ name: 'cp-1' }, { name: 'cp-2' }, { name: 'cp-3', staticPodPath: '/opt/pods' }];
    const text = textOf({ ...ETCD, nodes }, [THRESHOLD]);
    expect(text).toContain('/etc/kubernetes/manifests/etcd.yaml on cp-1 and cp-2');
    expect(text).toContain('/opt/pods/etcd.yaml on cp-3');
    expect(text).toContain('one host after the other');
  });

  test('without a change it only says where the manifest is', () => {
    expect(manifestAdvice({ ...ETCD, nodes: [{ name: 'cp-1' }] }, [])).toHaveLength(1);
  });

  test('no command contains a path that a shell would read differently', () => {
    const nodes = [{ name: 'cp-1', staticPodPath: '/pods; rm -rf /' }];
    expect(manifestAdvice({ ...ETCD, nodes }, [THRESHOLD]).filter(({ kind }) => kind === 'log')).toEqual([]);
  });

  test('never suggests to remove the probe', () => {
    expect(textOf({ ...ETCD, nodes: [{ name: 'cp-1' }] }, [THRESHOLD])).not.toMatch(/remove|delete/i);
  });
});
