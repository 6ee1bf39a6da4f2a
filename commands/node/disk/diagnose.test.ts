import { expect, test } from 'vitest';
import type { ports, Story } from '../../kit.ts';
import { defaultKubeletConfig } from '../../shared/fixture-clusters.ts';
import {
  container,
  earlier,
  events,
  evicted,
  factsOf,
  fileSystem,
  GIB,
  limits,
  node,
  oneDisk,
  pod,
  podsOn,
  socketUser,
  usage,
} from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts, NodeFacts } from './facts.ts';
import * as stories from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

const ask = ({ facts, now: at }: Pick<Story<Facts>, 'facts' | 'now'>) => diagnose(facts, {}, at);
const askAbout = (...nodes: readonly NodeFacts[]) => diagnose(factsOf(nodes), {}, now);
const lines = ({ findings }: ReturnType<typeof diagnose>) =>
  findings.map(({ severity, reason, target }) => `${severity} ${reason} ${target}`);
const textOf = (report: ReturnType<typeof diagnose>) =>
  report.findings.map(({ summary }) => summary).join('\n');
const shown = (report: ReturnType<typeof diagnose>) => JSON.stringify(report.findings);
const under = (state: Partial<NodeFacts['diskPressure']> = {}): Partial<NodeFacts> => ({
  diskPressure: { status: 'True', since: ago(20), ...state },
});
const { evictionHard } = defaultKubeletConfig();

test('stopped containers of builds: names what blocks image garbage collection, the suspect, and the evictions', () => {
  const report = ask(stories.hellGotLoose);

  expect(report.verdict).toBe(
    '2 of 3 nodes are short of disk: aks-nodepool1-xxx1 (9.3% free) and aks-nodepool1-xxx2 (23.3% free)',
  );
  expect(lines(report)).toEqual([
    'critical disk-short prod:aks-nodepool1-xxx1',
    'warning disk-short prod:aks-nodepool1-xxx2',
  ]);
  expect(report.findings[0]?.summary).toBe(
    'aks-nodepool1-xxx1: 9.3% free (2.8 of 30 GiB), below its limit of 15% (imagefs.available); image garbage collection is blocked: 3 stopped containers use 3 images; ci/jenkins-slave-6t97t uses the engine of the node; 1 pod evicted',
  );
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('after the cleanup, earlier failures and the evicted pod are no findings', () => {
  const report = ask(stories.cleanedUp);
  expect(report.verdict).toBe('Neither node is short of disk; least space: aks-nodepool1-xxx1, 57% free');
  expect(report.findings).toEqual([]);
});

test('a limit for memory only: free space decides because nothing is evicted, and the missing limits are named', () => {
  const report = ask(stories.limitsSwitchedOff);
  expect(lines(report)).toEqual(['critical disk-short prod:ip-10-0-1-11']);
  expect(textOf(report)).toBe(
    'ip-10-0-1-11: 0.4% free (0.15 of 40 GiB), and its kubelet has no disk limit, so it will neither evict pods nor report DiskPressure; images take 33 of 40 GiB and all of them are in use',
  );
  expect(shown(report)).toContain('sets only memory.available');
  expect(shown(report)).toContain('mergeDefaultEvictionSettings: true');
});

test('an engine in a pod that stores data on a volume: names the crossed limit and the unexplained space', () => {
  expect(textOf(ask(stories.volumeOfAnEngine))).toBe(
    'ci-1: 12.0% free (3.17 of 26.4 GiB), below its limit of 15% (imagefs.available; nodefs.available at 10% is not crossed, one disk serves both); image garbage collection does not free enough: images are only 5.2 of 22.1 GiB used; about 16.5 GiB are neither images nor pods (an estimate), probably of ci/agent-7k2mx, which runs its own container engine and stores data on PersistentVolumeClaim dind-cache',
  );
});

test('how much is neither images nor pods appears once: in the summary, or in the evidence if something else explains it', () => {
  const label = 'Neither images nor pods';
  expect(textOf(ask(stories.volumeOfAnEngine))).toContain('about 16.5 GiB are neither images nor pods');
  expect(shown(ask(stories.volumeOfAnEngine))).not.toContain(label);
  expect(textOf(ask(stories.logsGrow))).not.toContain('neither images nor pods');
  expect(shown(ask(stories.logsGrow))).toContain(label);
});

test('no inodes left: critical although the free bytes are above every limit, and the largest user is named', () => {
  const report = ask(stories.noInodes);
  expect(report.verdict).toBe('edge-3 is short of disk: 0% of the inodes free');
  expect(textOf(report)).toContain('although 32 GiB are free, and its kubelet has no limit for inodes');
  expect(textOf(report)).toContain('data/objects-0, volume data: 11,904,333');
  expect(lines(report)).toEqual(['critical disk-short prod:edge-3']);
});

test('growing logs: says when the limit is reached, and why the log limit of the kubelet does not help', () => {
  const report = ask(stories.logsGrow);
  expect(lines(report)).toEqual(['warning disk-short prod:cp-old']);
  expect(textOf(report)).toBe(
    'cp-old: 17.5% free (10.5 of 60 GiB), evicts below 15% (imagefs.available); free space shrinks by about 0.5 GiB an hour and reaches that limit (9 GiB) in about 3 hours; image garbage collection will help only briefly: images are only 9.2 of 49.5 GiB used; edge/gateway-6c-x8, container gateway, logs take 13 GiB',
  );
  expect(shown(report)).toContain('daemon.json');
  expect(shown(report)).toContain('13,980,514,458 bytes');
});

test('a full Windows node: inodes and an image file system are not mentioned', () => {
  const report = ask(stories.windowsFull);
  expect(lines(report)).toEqual(['critical disk-short prod:win-0']);
  expect(textOf(report)).toContain('1.0% free (1.28 of 127.5 GiB)');
  expect(shown(report)).not.toMatch(/inode|imagefs|NaN/i);
});

test('DiskPressure that outlives its cause is information, with the time when it ends on this node', () => {
  const report = ask(stories.pressureKept);
  expect(lines(report)).toEqual(['info disk-pressure-kept prod:web-2']);
  expect(textOf(report)).toBe(
    'web-2: 41% free (41 of 100 GiB), above its limits; its kubelet keeps DiskPressure for 15 minutes after the last breach, until about 12:01 UTC. New pods are refused until then',
  );
  expect(report.verdict).toBe('The node is not short of disk; web-2 still has DiskPressure');
});

test.each([
  ['there are no events of the last breach', { diskPressure: { status: 'True', since: ago(10) } } as const],
  ['events could not be read', { ...under({ since: ago(600) }), areEventsComplete: false }],
  ['it became True without a known time', { diskPressure: { status: 'True' } } as const],
])('DiskPressure that is kept is not a fault if %s', (_, known) => {
  expect(lines(askAbout(node('n', known)))).toEqual(['info disk-pressure-kept prod:n']);
});

test('DiskPressure that remains long after the last breach is a warning', () => {
  const report = askAbout(
    node('n', {
      ...under({ since: ago(300) }),
      ...events({
        reason: 'EvictionThresholdMet',
        message: 'Attempting to reclaim ephemeral-storage',
        lastAt: ago(55),
      }),
    }),
  );
  expect(lines(report)).toEqual(['warning disk-pressure-kept prod:n']);
  expect(textOf(report)).toContain('should have ended at about 11:10 UTC');
});

test('reclaiming memory is not a breach of a disk limit', () => {
  const memory = events({
    reason: 'EvictionThresholdMet',
    message: 'Attempting to reclaim memory',
    lastAt: ago(1),
  });
  expect(memory).toEqual({});
});

test.each<[string, Partial<NodeFacts>]>([
  [
    'its kubelet could not be queried',
    { fileSystems: undefined, usage: undefined, config: undefined } as never,
  ],
  ['its limits are unknown', { config: undefined } as never],
  ['its image file system is not measured', { fileSystems: { nodeFs: fileSystem({}), imageFs: {} } }],
  ['its disks were measured an hour ago', { fileSystems: oneDisk({ known: { measuredAt: ago(60) } }) }],
])('DiskPressure alone is critical if %s', (_, known) => {
  const report = askAbout(node('n', { ...known, ...under() }));
  expect(lines(report)).toEqual(['critical disk-short prod:n']);
  expect(report.examined).toBe(1);
});

test('a node without measurements and without DiskPressure is not counted', () => {
  const { fileSystems: _, config: __, usage: ___, ...silent } = node('n');
  for (const diskPressure of [{ status: 'False' }, { status: 'Unknown' }] as const) {
    const report = askAbout({ ...silent, diskPressure });
    expect(report).toMatchObject({ examined: 0, findings: [] });
  }
});

test.each([
  [4.99, undefined, 'critical'],
  [14.99, undefined, 'critical'],
  [15, undefined, 'warning'],
  [24.9, undefined, 'warning'],
  [25, undefined, undefined],
  // k3s and RKE2
  [4.9, { 'nodefs.available': { share: 0.05 }, 'imagefs.available': { share: 0.05 } }, 'critical'],
  [6, { 'nodefs.available': { share: 0.05 }, 'imagefs.available': { share: 0.05 } }, 'warning'],
  [16, { 'nodefs.available': { share: 0.05 }, 'imagefs.available': { share: 0.05 } }, undefined],
  // kind: 0% is no limit, and neither is 100%
  [4.9, { 'nodefs.available': { share: 0 }, 'imagefs.available': { share: 0 } }, 'critical'],
  [9, { 'nodefs.available': { share: 0 }, 'imagefs.available': { share: 1 } }, 'warning'],
  [12, { 'nodefs.available': { share: 0 }, 'imagefs.available': { share: 0 } }, undefined],
  // amounts
  [9, { 'nodefs.available': { amount: 10 * GIB } }, 'critical'],
  [19, { 'nodefs.available': { amount: 10 * GIB } }, 'warning'],
  [21, { 'nodefs.available': { amount: 10 * GIB } }, undefined],
] as const)('%s%% free under %o is %s', (free, hard, severity) => {
  const config = hard ? limits(hard) : defaultKubeletConfig();
  const report = askAbout(node('n', { fileSystems: oneDisk({ free }), config }));
  expect(lines(report)).toEqual(severity ? [`${severity} disk-short prod:n`] : []);
});

test.each([
  [0.049, undefined, 'critical'],
  [0.1, undefined, 'warning'],
  [0.149_999, undefined, 'warning'],
  [0.15, undefined, undefined],
  [0.2, undefined, undefined],
  [0.04, limits({ 'nodefs.available': { share: 0.1 } }), 'critical'],
  [0.12, limits({ 'nodefs.available': { share: 0.1 } }), undefined],
] as const)('%s of the inodes free under %o is %s', (share, config = defaultKubeletConfig(), severity) => {
  const known = { inodes: 1_000_000, inodesFree: 1_000_000 * share };
  const nodeFs = fileSystem({ known });
  const report = askAbout(node('n', { fileSystems: { nodeFs, imageFs: nodeFs }, config }));
  expect(lines(report)).toEqual(severity ? [`${severity} disk-short prod:n`] : []);
});

test('a file system without a fixed number of inodes is not out of inodes', () => {
  const nodeFs = fileSystem({ known: { inodes: 0, inodesFree: 0 } });
  expect(lines(askAbout(node('n', { fileSystems: { nodeFs, imageFs: nodeFs } })))).toEqual([]);
});

test('a limit that is an amount is written in bytes, and a share in percent', () => {
  const config = limits({ 'nodefs.available': { amount: 10 * GIB } });
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 8 }), config })))).toContain(
    'n: 8 of 100 GiB free, below its limit of 10 GiB (nodefs.available)',
  );
});

test('two disks of the same size with similar free space are distinguished by their inodes', () => {
  const nodeFs = fileSystem({ free: 14.6 });
  const imageFs = fileSystem({ free: 15.3, known: { inodesFree: 3_000_000 } });
  expect(lines(askAbout(node('n', { fileSystems: { nodeFs, imageFs } })))).toEqual([
    'warning disk-short prod:n',
  ]);
});

const reclaim = (
  evictionMinimumReclaim: ports.KubeletConfig['evictionMinimumReclaim'],
  known: Partial<ports.KubeletConfig> = {},
) => ({ config: { ...defaultKubeletConfig(), evictionMinimumReclaim, ...known } });

test.each([
  // k3s and RKE2
  [
    9,
    { 'nodefs.available': { share: 0.1 }, 'imagefs.available': { share: 0.1 } },
    { 'nodefs.available': { share: 0.05 }, 'imagefs.available': { share: 0.05 } },
    'until 15% is free: that limit plus an evictionMinimumReclaim of 10%',
  ],
  [
    28,
    { 'imagefs.available': { amount: 30 * GIB } },
    evictionHard,
    'until 45 GiB is free: that limit plus an evictionMinimumReclaim of 30 GiB',
  ],
  // Far above every limit
  [60, { 'imagefs.available': { share: 0.5 } }, evictionHard, 'until 65% is free'],
  [90, { 'imagefs.available': { share: 1 } }, evictionHard, 'until 115% is free, more than there is'],
])(
  'DiskPressure with %s%% free lasts until the minimum of %o is reclaimed, however long that takes',
  (free, minimum, hard, words) => {
    const times = [ago(2), ago(120), ago(30 * 24 * 60)];
    for (const since of times) {
      const known = { ...reclaim(minimum, { evictionHard: hard }), ...under({ since }) };
      const report = askAbout(node('n', { fileSystems: oneDisk({ free }), ...known }));
      expect(lines(report)).toEqual(['warning disk-short prod:n']);
      expect(textOf(report)).toContain(
        `its kubelet keeps DiskPressure, refuses new pods and may evict more ${words}`,
      );
      expect(report.verdict).toContain('free, DiskPressure until');
      // No time can be promised, and the kubelet works as configured.
      expect(textOf(report)).not.toMatch(/until about|should have ended|heck the kubelet/);
      expect(shown(report)).toContain('Next');
    }
  },
);

test('once the minimum is reclaimed, the transition period starts', () => {
  const known = {
    fileSystems: oneDisk({ free: 45 }),
    ...reclaim({ 'imagefs.available': { amount: 30 * GIB } }),
  };
  const kept = askAbout(node('n', { ...known, ...under({ since: ago(2) }) }));
  expect(lines(kept)).toEqual(['info disk-pressure-kept prod:n']);
  expect(textOf(kept)).toContain('until about 12:03 UTC');
  expect(lines(askAbout(node('n', { ...known, ...under({ since: ago(60) }) })))).toEqual([
    'warning disk-pressure-kept prod:n',
  ]);
});

test('a minimum to reclaim means nothing without DiskPressure, nor that of memory with it', () => {
  const known = { fileSystems: oneDisk({ free: 30 }), ...reclaim({ 'imagefs.available': { share: 0.5 } }) };
  expect(lines(askAbout(node('n', known)))).toEqual([]);
  const memory = reclaim({ 'memory.available': { amount: 500 * GIB } });
  expect(lines(askAbout(node('n', { ...memory, ...under({ since: ago(2) }) })))).toEqual([
    'info disk-pressure-kept prod:n',
  ]);
});

test('a minimum to reclaim never makes a node critical, and never less than that', () => {
  const minimum = reclaim({ 'imagefs.available': { share: 0.2 } });
  const free = (gib: number) =>
    lines(askAbout(node('n', { fileSystems: oneDisk({ free: gib }), ...minimum, ...under() })));
  expect(free(15.1)).toEqual(['warning disk-short prod:n']);
  expect(free(14.9)).toEqual(['critical disk-short prod:n']);
});

test('the report also shows how much must be free while a limit is crossed', () => {
  const known = { fileSystems: oneDisk({ free: 4 }), ...reclaim({ 'imagefs.available': { share: 0.2 } }) };
  expect(shown(askAbout(node('n', { ...known, ...under() })))).toContain(
    'ends 5 minutes after 35% is free (limit plus evictionMinimumReclaim)',
  );
});

test('inodes are reclaimed like bytes', () => {
  const nodeFs = fileSystem({ known: { inodes: 1_000_000, inodesFree: 80_000 } });
  const known = {
    fileSystems: { nodeFs, imageFs: nodeFs },
    ...reclaim({ 'nodefs.inodesFree': { share: 0.05 } }),
  };
  const report = askAbout(node('n', { ...known, ...under({ since: ago(120) }) }));
  expect(lines(report)).toEqual(['warning disk-short prod:n']);
  expect(textOf(report)).toContain('until 10% of the inodes are free');
  expect(shown(report)).toContain('Free 20,000 inodes more');
});

test.each([
  ['a lower limit', 'until 30% is free', oneDisk({ free: 26 })],
  [
    'a limit of another disk',
    'until 30% of nodefs is free',
    { nodeFs: fileSystem({ free: 21 }), imageFs: fileSystem({ capacity: 300, free: 150, used: 90 }) },
  ],
])('whether %s was crossed is unknown until the period is over', (_, until, fileSystems) => {
  const known = { fileSystems, ...reclaim({ 'nodefs.available': { share: 0.2 } }) };
  const since = (minutes: number) =>
    textOf(askAbout(node('n', { ...known, ...under({ since: ago(minutes) }) })));
  expect(since(120)).toContain(`keeps DiskPressure, refuses new pods and may evict more ${until}`);
  expect(since(2)).toContain(
    `If the limit of 10% (nodefs.available) was crossed, DiskPressure stays ${until}`,
  );
  expect(since(2)).toContain('until about 12:03 UTC');
});

test('a soft limit with a minimum to reclaim explains DiskPressure that lasts', () => {
  const evictionSoft = { 'nodefs.available': { share: 0.25 } };
  const known = {
    fileSystems: oneDisk({ free: 32 }),
    ...reclaim({ 'nodefs.available': { share: 0.1 } }, { evictionSoft }),
  };
  const since = (minutes: number) =>
    textOf(askAbout(node('n', { ...known, ...under({ since: ago(minutes) }) })));
  expect(since(120)).toContain('until 35% is free: 25% (nodefs.available) plus');
  // It may not have lasted for its grace period.
  expect(since(2)).toContain('until about 12:03 UTC');
});

test('a minimum to reclaim that cannot be parsed: no end is predicted, and the kubelet is not reported as faulty', () => {
  const unreadable = reclaim({ 'nodefs.available': { unreadable: 'much' } });
  for (const minutes of [2, 300]) {
    const report = askAbout(node('n', { ...unreadable, ...under({ since: ago(minutes) }) }));
    expect(lines(report)).toEqual(['info disk-pressure-kept prod:n']);
    expect(textOf(report)).toContain('because evictionMinimumReclaim cannot be parsed');
  }
});

test('DiskPressure without any limit is not a shortage', () => {
  const report = askAbout(node('n', { config: limits({}), ...under() }));
  expect(lines(report)).toEqual(['warning disk-pressure-kept prod:n']);
  expect(report.verdict).toBe(
    'n has DiskPressure, although its kubelet has no disk limit; the node is not short of disk',
  );
  const full = askAbout(node('n', { config: limits({}), fileSystems: oneDisk({ free: 9 }), ...under() }));
  expect(lines(full)).toEqual(['warning disk-short prod:n']);
  expect(textOf(full)).toContain('but DiskPressure is True');
});

test('how much of a separate disk is images appears once', () => {
  const samples = earlier(
    now,
    'n',
    [6, 4, 2].map((hours) => [hours, 60 + 5 * hours] as const),
    { fs: 'imageFs', capacityBytes: 300 * GIB, imageBytes: 60 * GIB },
  );
  const fileSystems = { nodeFs: fileSystem({}), imageFs: fileSystem({ capacity: 300, free: 60, used: 60 }) };
  const report = diagnose(factsOf([node('n', { fileSystems })], samples), {}, now);
  expect(textOf(report).split('images are only')).toHaveLength(2);
  expect(textOf(report)).toContain('about 180 GiB are not counted as images');
});

test.each([
  [5_400_000, '1 hour 30 minutes'],
  [90_000, '90 seconds'],
  [300_000, '5 minutes'],
])('a transition period of %d ms is written exactly', (pressureTransitionMs, words) => {
  const config = limits(evictionHard, { pressureTransitionMs });
  expect(textOf(askAbout(node('n', { ...under({ since: ago(1) }), config })))).toContain(
    `keeps DiskPressure for ${words} after the last breach`,
  );
});

test('DiskPressure just after its period should end within minutes, and without events the end is unknown', () => {
  const kept = (minutes: number, known: Partial<NodeFacts> = {}) =>
    textOf(askAbout(node('n', { ...under({ since: ago(minutes) }), ...known })));
  expect(kept(8)).toMatch(
    /DiskPressure is still True since 2026-11-26 11:52 UTC and should end within minutes/,
  );
  const config = limits(evictionHard, { pressureTransitionMs: 0 });
  expect(kept(2, { config })).not.toContain('after the last breach');
  expect(kept(300, { areEventsComplete: false })).toMatch(
    /still True since .*: new pods are refused\. It is unknown when a limit was last crossed, because events/,
  );
});

test('a limit that was crossed, before the kubelet reports it', () => {
  const full = (known: Partial<NodeFacts>) =>
    textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 2 }), ...known })));
  expect(full({})).toContain('below its limit of 15% (imagefs.available); DiskPressure is still False');
  expect(full(under())).not.toContain('still False');
  expect(full({ config: limits({}) })).not.toContain('still False');
});

test.each([{ availableBytes: 160 * GIB }, { inodesFree: 7_000_000 }])(
  'impossible numbers (%o) do not count as healthy',
  (known) => {
    const nodeFs = fileSystem({ known });
    expect(askAbout(node('n', { fileSystems: { nodeFs, imageFs: nodeFs } })).examined).toBe(0);
  },
);

test.each([29, 57, 58])('exactly %s%% free is shown as such', (free) => {
  const report = askAbout(node('n', { fileSystems: oneDisk({ free }) }));
  expect(report.verdict).toBe(`The node is not short of disk: ${free}% free`);
});

test.each([7, 14, 28, 29])('exactly at a limit of %s%% is not below it', (free) => {
  const config = limits({ 'nodefs.available': { share: free / 100 } });
  expect(lines(askAbout(node('n', { fileSystems: oneDisk({ free }), config })))).toEqual([
    'warning disk-short prod:n',
  ]);
});

test('free space just below a limit is not shown as the limit', () => {
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 14.97 }) })))).toContain('14.97% free');
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 14.999 }) })))).toContain(
    'just under 15% free',
  );
});

test('with a separate disk for images, each disk has the limit of its own signal', () => {
  const small = fileSystem({ capacity: 20, free: 16 });
  const images = (free: number) => ({ nodeFs: small, imageFs: fileSystem({ free, used: 10 }) });
  expect(textOf(askAbout(node('n', { fileSystems: images(19) })))).toContain(
    'n: 19.0% of imagefs free (19 of 100 GiB), evicts below 15% (imagefs.available)',
  );
  expect(lines(askAbout(node('n', { fileSystems: images(60) })))).toEqual([]);
  const nodeFs = fileSystem({ free: 12 });
  expect(
    textOf(askAbout(node('n', { fileSystems: { nodeFs, imageFs: fileSystem({ free: 60 }) } }))),
  ).toContain('n: 12.0% of nodefs free (12 of 100 GiB), evicts below 10% (nodefs.available)');
});

test('two disks that are both short are one finding that names both', () => {
  const report = askAbout(
    node('n', {
      fileSystems: { nodeFs: fileSystem({ capacity: 50, free: 4 }), imageFs: fileSystem({ free: 12 }) },
    }),
  );
  expect(lines(report)).toEqual(['critical disk-short prod:n']);
  expect(textOf(report)).toContain('n: 12.0% of imagefs free');
  expect(textOf(report)).toContain('also 8.0% of nodefs free (4 of 50 GiB), below its limit of 10%');
});

test('a separate disk for writable layers has the limits of the image file system', () => {
  const fileSystems = {
    nodeFs: fileSystem({ capacity: 50, free: 40 }),
    imageFs: fileSystem({ free: 60 }),
    containerFs: fileSystem({ capacity: 70, free: 7 }),
  };
  const report = askAbout(node('n', { fileSystems }));
  expect(lines(report)).toEqual(['critical disk-short prod:n']);
  expect(textOf(report)).toContain('10.0% of containerfs free (7 of 70 GiB), below its limit of 15%');
});

test('writable layers on a separate file system do not count for the disk of the images', () => {
  const nodeFs = fileSystem({ free: 8 });
  const fileSystems = {
    nodeFs,
    imageFs: fileSystem({ capacity: 300, free: 200, used: 60 }),
    containerFs: nodeFs,
  };
  const used = usage({
    namespace: 'x',
    name: 'fat',
    ephemeral: { bytes: 60 * GIB },
    containers: [{ name: 'c', rootfs: { bytes: 60 * GIB } }],
  });
  expect(textOf(askAbout(node('n', { fileSystems, usage: used })))).toContain(
    'x/fat, container c, writable layer takes 60 GiB',
  );
});

test('two disks of the same size are not mistaken for one', () => {
  const fileSystems = { nodeFs: fileSystem({ free: 80 }), imageFs: fileSystem({ free: 8 }) };
  expect(lines(askAbout(node('n', { fileSystems })))).toEqual(['critical disk-short prod:n']);
});

test.each([
  [28, undefined, 'warning'],
  [35, { 'nodefs.available': { share: 0.15 } }, 'warning'],
  // Less than two points above the hard limit.
  [17.1, { 'nodefs.available': { share: 0.15 } }, 'warning'],
  [16.9, { 'nodefs.available': { share: 0.15 } }, 'critical'],
  [6, { 'nodefs.available': { share: 0.01 } }, 'warning'],
  [4.9, { 'nodefs.available': { share: 0.01 } }, 'critical'],
  // Without a hard limit.
  [6, {}, 'warning'],
  [4.9, {}, 'critical'],
] as const)(
  '%s%% free, below a soft limit, with the hard limits %o and DiskPressure is %s',
  (free, hard, severity) => {
    const evictionSoft = { 'nodefs.available': { share: 0.4 } };
    const config = { ...limits(hard ?? evictionHard), evictionSoft };
    const known = { fileSystems: oneDisk({ free }), config };
    expect(lines(askAbout(node('n', { ...known, ...under() })))).toEqual([`${severity} disk-short prod:n`]);
  },
);

test('below a soft limit without DiskPressure is a warning: the kubelet has just noticed it, or not yet', () => {
  const evictionSoft = { 'nodefs.available': { share: 0.4 } };
  const config = { ...defaultKubeletConfig(), evictionSoft };
  const just = (free: number) => lines(askAbout(node('n', { fileSystems: oneDisk({ free }), config })));
  expect([...just(39), ...just(16)]).toEqual(['warning disk-short prod:n', 'warning disk-short prod:n']);
});

test('below a soft limit: says when pods are evicted, also if no hard limit is set', () => {
  const evictionSoft = { 'nodefs.available': { share: 0.3 } };
  const below = (config: ports.KubeletConfig, known: Partial<NodeFacts> = {}) =>
    askAbout(
      node('n', { fileSystems: oneDisk({ free: 28 }), config: { ...config, evictionSoft }, ...known }),
    );
  expect(textOf(below(defaultKubeletConfig()))).toContain(
    '28.0% free (28 of 100 GiB), below its soft limit of 30% (nodefs.available); evicts after a grace period, and immediately below 15%',
  );
  const soft = below(limits({ 'memory.available': { amount: 100 } }));
  expect(textOf(soft)).toContain(
    'below its soft limit of 30% (nodefs.available), which evicts after a grace period; no hard limit is set',
  );
  expect(shown(soft)).toContain('Until then only its soft limit evicts');
  expect(shown(soft)).not.toContain('neither evict');
  const near = below(limits({}), { fileSystems: oneDisk({ free: 31 }) });
  expect(textOf(near)).not.toContain('neither evict');
});

test('free space just below a soft limit is not shown as the limit', () => {
  const config = { ...defaultKubeletConfig(), evictionSoft: { 'nodefs.available': { share: 0.4 } } };
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 39.97 }), config })))).toContain(
    'n: 39.97% free',
  );
});

test('limits that could not be read are assumed, and a guess is never critical', () => {
  const { config: _, ...unknown } = node('n', { fileSystems: oneDisk({ free: 12 }) });
  const report = askAbout(unknown);
  expect(lines(report)).toEqual(['warning disk-short prod:n']);
  expect(textOf(report)).toContain('its limits could not be read (15% by default)');
  expect(lines(askAbout({ ...unknown, fileSystems: oneDisk({ free: 4 }) }))).toEqual([
    'critical disk-short prod:n',
  ]);
  const unreadable = limits({ ...evictionHard, 'imagefs.available': { unreadable: '15 percent' } });
  expect(lines(askAbout({ ...unknown, config: unreadable }))).toEqual(['warning disk-short prod:n']);
});

test('measurements of an hour ago are a warning if low, and never healthy', () => {
  const full = oneDisk({ free: 3, known: { measuredAt: ago(60) } });
  const stale = askAbout(
    node('n', { fileSystems: { ...full, nodeFs: { ...full.nodeFs, measuredAt: ago(60) } } }),
  );
  expect(lines(stale)).toEqual(['warning disk-short prod:n']);
  expect(textOf(stale)).toContain('last measured at 2026-11-26 11:00 UTC');
  const plenty = fileSystem({ known: { measuredAt: ago(60) } });
  expect(askAbout(node('n', { fileSystems: { nodeFs: plenty, imageFs: plenty } })).examined).toBe(0);
});

test('a node that is not ready but whose kubelet responds is judged by its disk', () => {
  expect(lines(askAbout(node('n', { ready: 'False' })))).toEqual([]);
  const full = node('n', {
    ready: 'Unknown',
    diskPressure: { status: 'Unknown' },
    fileSystems: oneDisk({ free: 3 }),
  });
  expect(lines(askAbout(full))).toEqual(['critical disk-short prod:n']);
  expect(textOf(askAbout(full))).toContain('the node is not ready');
});

test('a leftover taint is reported', () => {
  expect(lines(askAbout(node('n', { isTainted: true })))).toEqual(['info disk-pressure-taint-left prod:n']);
});

test('images of running containers are not freed by any cleanup', () => {
  const message =
    'wanted to free 1000 bytes, but freed 0 bytes space with errors in image deletion: rpc error: conflict: unable to delete 9709113ca29f (cannot be forced) - image is being used by running container 5e26cfb0adca';
  const report = askAbout(
    node('n', {
      containerRuntime: 'docker://20.10.24',
      fileSystems: oneDisk({ free: 12 }),
      ...events({ reason: 'ImageGCFailed', message, lastAt: ago(3) }),
    }),
  );
  expect(textOf(report)).toContain('1 running container uses the images, so no cleanup can free them');
  expect(textOf(report)).not.toContain('blocked');
});

test.each([
  [
    'free space is above its limits, but so much is used that images are collected',
    40,
    { imageGcHighPercent: 50 },
    10,
    true,
  ],
  ['so little is used that no images are collected', 40, {}, 10, false],
  ['the last failure is an hour ago', 40, { imageGcHighPercent: 50 }, 61, false],
])('blocked garbage collection on a node: %s', (_, free, known, minutes, isFound) => {
  const report = askAbout(
    node('n', {
      fileSystems: oneDisk({ free }),
      config: { ...defaultKubeletConfig(), ...known },
      ...events({
        reason: 'ImageGCFailed',
        message:
          'unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca',
        lastAt: ago(minutes),
      }),
    }),
  );
  expect(lines(report)).toEqual(isFound ? ['warning image-gc-blocked prod:n'] : []);
});

test('blocked garbage collection on a node without limits: advises what to do, and leaves the missing limits to the note', () => {
  const message =
    'unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca';
  const blocked = (known: Partial<NodeFacts> = {}) =>
    askAbout(
      node('n', {
        fileSystems: oneDisk({ free: 40 }),
        config: limits({}, { imageGcHighPercent: 50 }),
        ...events({ reason: 'ImageGCFailed', message, lastAt: ago(3) }),
        ...known,
      }),
    );
  expect(lines(blocked())).toEqual(['warning image-gc-blocked prod:n']);
  expect(textOf(blocked())).toMatch(/^n: 40% free \(40 of 100 GiB\); image garbage collection is blocked/);
  expect(shown(blocked())).toContain('Check who owns them before you remove any');
  // Short of disk, there is no note.
  expect(textOf(blocked({ fileSystems: oneDisk({ free: 4 }) }))).toContain('has no disk limit');
});

test('on a separate disk of a Docker node, what is not images is containers', () => {
  const known = {
    fileSystems: {
      nodeFs: fileSystem({ capacity: 20, free: 16 }),
      imageFs: fileSystem({ capacity: 40, free: 7.1, used: 9.1 }),
    },
  };
  expect(textOf(askAbout(node('n', { ...known, containerRuntime: 'docker://24.0.9' })))).toContain(
    'images are only 9.1 of 32.9 GiB used there; about 23.8 GiB are writable layers and logs of containers (an estimate)',
  );
  expect(textOf(askAbout(node('n', known)))).toContain(
    'about 23.8 GiB are not counted as images (an estimate)',
  );
});

test('a second engine on a containerd node is the suspect, and the text names what cannot see it', () => {
  const report = askAbout(
    node('n', {
      fileSystems: oneDisk({ capacity: 120, free: 15.6, images: 22 }),
      ...under(),
      ...podsOn(socketUser('agent-x')),
    }),
  );
  expect(textOf(report)).toContain(
    'about 82.4 GiB are neither images nor pods (an estimate), probably of the engine that ci/agent-x uses through /var/run/docker.sock',
  );
  expect(shown(report)).toContain("see only the containerd namespace k8s.io, never Docker's (moby)");
});

const dind = (name: string, known: Partial<ports.PodContainer> = {}, ofPod: Partial<ports.Pod> = {}) =>
  pod(name, {
    containers: [container('dind', { image: 'docker:28-dind', privileged: true, ...known })],
    ...ofPod,
  });
const mounts = [{ volume: 'data', path: '/var/lib/docker' }];
const onFullNode = (...pods: readonly ports.Pod[]) =>
  askAbout(node('n', { fileSystems: oneDisk({ free: 5 }), ...podsOn(...pods) }));

test('an engine that stores its data on an emptyDir is not a suspect for unexplained space', () => {
  const report = onFullNode(dind('agent', { mounts }, { volumes: [{ name: 'data', emptyDir: 'disk' }] }));
  expect(textOf(report)).not.toContain('probably');
  expect(shown(report)).toContain('ci/agent');
});

test('an engine without a volume stores its data on an anonymous volume, which is unexplained space', () => {
  const report = onFullNode(dind('agent'));
  expect(textOf(report)).toContain(
    'probably of ci/agent, which runs its own container engine and stores data on an anonymous volume at /var/lib/docker',
  );
  expect(shown(report)).not.toContain('writable layer of its container');
  expect(shown(report)).toContain('Delete or recycle ci/agent');
  expect(shown(report)).toContain('Mount an emptyDir at /var/lib/docker');
  expect(shown(report)).not.toContain('docker system prune');
});

test('equally likely suspects are named together, up to three', () => {
  const agent = (at: number) =>
    dind(`agent-${at}`, { mounts }, { volumes: [{ name: 'data', claim: `dind-${at}` }] });
  expect(textOf(onFullNode(agent(2), agent(1)))).toContain(
    'probably of ci/agent-1 and ci/agent-2, which run their own container engines and store data on PersistentVolumeClaim dind-1 and PersistentVolumeClaim dind-2',
  );
  expect(textOf(onFullNode(...[1, 2, 3, 4, 5].map(agent)))).toContain(
    'probably of ci/agent-1, ci/agent-2, ci/agent-3 and others, which run',
  );
  expect(textOf(onFullNode(socketUser('a'), socketUser('b')))).toContain(
    'probably of the engine that ci/a and ci/b use through /var/run/docker.sock',
  );
  expect(textOf(onFullNode(agent(1), socketUser('b')))).toContain(
    'on PersistentVolumeClaim dind-1, or of the engine that ci/b uses through /var/run/docker.sock',
  );
  // Less likely ones are not.
  expect(
    textOf(onFullNode(socketUser('a'), socketUser('b', '/run', { labels: { jenkins: 'slave' } }))),
  ).not.toContain('ci/b');
});

test('what a pod that has ended did is in the past tense', () => {
  const phase = 'Succeeded';
  expect(textOf(onFullNode(socketUser('done', '/var/run/docker.sock', { phase })))).toContain(
    'the engine that ci/done used through',
  );
  expect(textOf(onFullNode(dind('done', {}, { phase })))).toContain(
    'ci/done, which ran its own container engine and left data on an anonymous volume at /var/lib/docker',
  );
});

test('pods evicted for exceeding their own limits are not counted', () => {
  const report = askAbout(
    node('n', {
      fileSystems: oneDisk({ free: 5 }),
      ...podsOn(
        evicted(
          'a',
          'The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0. ',
        ),
        evicted('b', 'Pod The node had condition: [DiskPressure]. '),
        evicted('c', 'Pod was rejected: The node had condition: [MemoryPressure, DiskPressure]'),
        evicted('g', 'The node was low on resource: [DiskPressure]. '),
        evicted('d', 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". '),
        evicted('e', 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. '),
        evicted('f', 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. '),
      ),
    }),
  );
  expect(textOf(report)).toContain('1 pod evicted; 3 pods refused');
});

test.each([
  ['within a day', 40, ['warning disk-filling prod:n']],
  ['later', 20, []],
])('a disk far above its limit that will reach it %s', (_, lostIn24Hours, expected) => {
  const free = [24, 18, 12, 6, 2].map((hours) => [hours, 60 + (lostIn24Hours * hours) / 24] as const);
  const samples = earlier(now, 'n', free, { capacityBytes: 200 * GIB });
  const facts = factsOf([node('n', { fileSystems: oneDisk({ capacity: 200, free: 60 }) })], samples);
  expect(lines(diagnose(facts, {}, now))).toEqual(expected);
});

test('with several clusters, names of nodes include the cluster, and the worst comes first', () => {
  const report = askAbout(
    node('n1', { cluster: 'eu', fileSystems: oneDisk({ free: 20 }) }),
    node('n1', { cluster: 'us', fileSystems: oneDisk({ free: 9 }) }),
    node('n2', { cluster: 'us', fileSystems: oneDisk({ free: 3 }) }),
  );
  expect(lines(report)).toEqual([
    'critical disk-short us:n2',
    'critical disk-short us:n1',
    'warning disk-short eu:n1',
  ]);
  expect(report.verdict).toBe(
    '3 of 3 nodes are short of disk: us:n2 (3.0% free), us:n1 (9.0% free) and eu:n1 (20.0% free)',
  );
  expect(report.measures).toEqual([
    { label: 'eu', value: 1, unit: 'short of disk' },
    { label: 'us', value: 2, unit: 'short of disk' },
  ]);
});

test('what df shows is mentioned if it differs from what the kubelet counts', () => {
  const nodeFs = fileSystem({ free: 20, used: 30 });
  const report = askAbout(node('n', { fileSystems: { nodeFs, imageFs: nodeFs } }));
  expect(textOf(report)).toContain(
    '20.0% free (20 of 100 GiB), evicts below 15% (imagefs.available); df shows 60% used',
  );
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 20, used: 77 }) })))).not.toContain('df');
});

test('DiskPressure that is kept on a node near its limit is part of that warning, and not critical', () => {
  const report = askAbout(node('n', { fileSystems: oneDisk({ free: 18 }), ...under({ since: ago(2) }) }));
  expect(lines(report)).toEqual(['warning disk-short prod:n']);
  expect(textOf(report)).toContain('its kubelet keeps DiskPressure until about 12:03 UTC');
});

test('blocked garbage collection on a node without measurements is reported, and nothing else', () => {
  const { fileSystems: _, config: __, usage: ___, ...silent } = node('n');
  const message =
    'unable to delete 9709113ca29f (must be forced) - image is being used by stopped container 5e26cfb0adca';
  const report = askAbout({ ...silent, ...events({ reason: 'ImageGCFailed', message, lastAt: ago(3) }) });
  expect(lines(report)).toEqual(['warning image-gc-blocked prod:n']);
  expect(report.verdict).toBe('Image garbage collection is blocked on n');
});

test('a volume in memory does not count for a disk', () => {
  const known: Partial<ports.PodUsage> = {
    namespace: 'x',
    name: 'cache',
    ephemeral: { bytes: 40 * GIB },
    volumes: [{ name: 'shm', bytes: 60 * GIB }],
  };
  expect(textOf(askAbout(node('n', { fileSystems: oneDisk({ free: 5 }), usage: usage(known) })))).toContain(
    'x/cache takes 40 GiB',
  );
});
