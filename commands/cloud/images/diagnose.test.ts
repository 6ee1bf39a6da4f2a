import { describe, expect, test } from 'vitest';
import { factsOf } from './builders.ts';
import { diagnose } from './diagnose.ts';
import type { Facts } from './facts.ts';
import { aboutToDisappear, basesAsTheyShouldBe, disappearingImages, stillOpen } from './stories.ts';

const of = ({ facts, now }: { readonly facts: Facts; readonly now: Date }, known: Partial<Facts> = {}) =>
  diagnose({ ...facts, ...known }, {}, now);

const severities = (facts: ReturnType<typeof diagnose>): readonly string[] =>
  facts.findings.map(({ severity, reason }) => `${severity} ${reason}`);

describe('the stories', () => {
  test('an image disappears from shared storage', () => {
    const { verdict, findings } = of(disappearingImages);
    expect(verdict).toBe('1 of 3 instances has lost its base image');
    expect(findings.map(({ severity, target }) => `${severity} ${target}`)).toEqual([
      'critical 5a1f6c0e-2d40-4c8b-9f7a-1c1e2b3a4d51',
      'warning nova.conf [image_cache]',
    ]);
    expect(findings[0]?.summary).toContain('dair-ua-c03 removed it at 2012-12-19 12:10 UTC');
  });

  test('or will disappear', () => {
    expect(severities(of(aboutToDisappear))).toEqual([
      'critical base-image-at-risk',
      'warning shared-cache-cleaned',
    ]);
  });

  test('nothing is wrong with unshelved instances, raw disks and volumes', () => {
    expect(of(basesAsTheyShouldBe)).toMatchObject({ examined: 3, findings: [] });
  });
});

describe('a deleted base image that a process has open', () => {
  const NAME = 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3';
  const measure = (value: number) => [{ label: `copy of ${NAME} on cn-7`, value, unit: 'complete' }];
  const file = { path: `/srv/rescue/${NAME}`, bytes: 2_361_393_152 };
  const copy = { on: 'cn-7', name: NAME };

  test('is offered to be saved, and measured', () => {
    const { findings, measures } = of(stillOpen);
    expect(findings[0]?.offers).toMatchObject([
      { remediation: 'rescue-base', params: { pid: 4711, bytes: 2_361_393_152, folder: '/srv/rescue' } },
    ]);
    expect(measures).toEqual(measure(0));
  });

  test('once it is copied, the finding stays without the button', () => {
    const { findings, measures } = of(stillOpen, { copies: [{ ...copy, file }] });
    expect(findings).toHaveLength(1);
    expect(findings[0]?.offers).toBeUndefined();
    expect(JSON.stringify(findings)).toContain(`/srv/rescue/${NAME} on cn-7`);
    expect(measures).toEqual(measure(1));
  });

  test('an incomplete copy proves nothing, and is never offered to be overwritten', () => {
    const { findings, measures } = of(stillOpen, { copies: [{ ...copy, file: { ...file, bytes: 1_000 } }] });
    expect(findings[0]?.offers).toBeUndefined();
    expect(JSON.stringify(findings)).toContain('has another size');
    expect(measures).toEqual(measure(0));
  });

  test('if it is unknown whether there is a copy, nothing is offered or measured', () => {
    const { findings, measures } = of(stillOpen, { copies: [{ ...copy, isUnknown: true }] });
    expect(findings[0]?.offers).toBeUndefined();
    expect(JSON.stringify(findings)).toContain('/proc/4711/fd/14');
    expect(measures).toBeUndefined();
  });

  test('without the permission, the steps say what to copy', () => {
    const hosts = stillOpen.facts.hosts.map((host) => ({
      ...host,
      rescue: { allowed: false, because: 'not configured' } as const,
    }));
    const { findings, measures } = of(stillOpen, { hosts, copies: [] });
    expect(findings[0]?.offers).toBeUndefined();
    expect(JSON.stringify(findings)).toContain('/proc/4711/fd/14');
    expect(measures).toBeUndefined();
  });

  test('a size that is unknown, or a file that is not deleted, is not offered', () => {
    const [open] = stillOpen.facts.openFiles;
    const { bytes: _, ...unknown } = open!;
    expect(of(stillOpen, { openFiles: [unknown] }).findings[0]?.offers).toBeUndefined();
    expect(
      of(stillOpen, { openFiles: [{ ...open!, isDeleted: false }] }).findings[0]?.offers,
    ).toBeUndefined();
  });
});

test('a disk from before a resize only prevents the way back', () => {
  const { facts, now } = stillOpen;
  const hosts = facts.hosts.map((host) => ({
    ...host,
    disks: host.disks?.map((disk) => ({ ...disk, instance: `${disk.instance}_resize` })) ?? [],
  }));
  const diagnosis = diagnose({ ...facts, hosts, openFiles: [] }, {}, now);
  expect(severities(diagnosis)).toEqual(['warning base-image-missing']);
});

test('no hosts are no answer', () => {
  expect(diagnose(factsOf([]), {}, stillOpen.now).examined).toBe(0);
});
