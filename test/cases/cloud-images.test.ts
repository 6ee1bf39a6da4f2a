import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the real sources: sshd and a cloud on loopback. */

type Changed = (answer: SpokenAnswer) => SpokenAnswer | undefined;

/** A case with changed answers; undefined leaves one out. */
async function askVariation(name: string, change: Changed): Promise<CaseVerdict> {
  const file = await readCaseFile(new URL(`cloud/${name}.json`, import.meta.url).pathname);
  return askCase({ ...file, spoken: (file.spoken ?? []).flatMap((one) => change(one) ?? []) });
}

/** Replaces text in the answers to a question. */
function replacing(question: RegExp, from: string | RegExp, to: string): Changed {
  return (answer) =>
    question.test(`${answer.of} ${answer.ask}`)
      ? (JSON.parse(JSON.stringify(answer).replaceAll(new RegExp(from, 'g'), to)) as SpokenAnswer)
      : answer;
}

const RUNNER = '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03';
const SETTINGS = 'warning nova.conf [image_cache]';

/** https://kultsinuppeli.silvrback.com/shared-fate */
describe('a base image that another host removed from NFS', () => {
  test('names the instance, its owner, who removed the image, and why', async () => {
    const verdict = await askCase('cloud/o12');
    expect([verdict.status, verdict.faults]).toEqual(['found', [`critical ${RUNNER}`, SETTINGS]]);
    const text = verdict.about(RUNNER);
    for (const fact of [
      'report-runner',
      'p-reports',
      'cmp-a01 removed it at 2026-11-26 09:24 UTC',
      'cmp-a03 last reported its instances 51 hours ago',
      'Stale file handle',
      'no longer exists in Glance',
      'nas1:/export/nova',
    ])
      expect(text).toContain(fact);
    expect(verdict.about('nova.conf [image_cache]')).toContain('True by default');
    expect(verdict.text).not.toMatch(/\/proc\/|rebase|download|reboot/i);
    expect(verdict.offers).toEqual([]);
  });

  test('an image that still exists may be downloaded, and the option may be set on one host only', async () => {
    const verdict = await askVariation('o12', (answer) =>
      answer.of === 'glance'
        ? {
            ...answer,
            status: 200,
            json: { id: '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11', name: 'nightly', status: 'active' },
          }
        : answer,
    );
    expect(verdict.about(RUNNER)).toContain('nightly');
    const kept = await askVariation(
      'o12',
      replacing(/nova\.conf/, 'manager_interval = 2400', 'remove_unused_base_images = false'),
    );
    expect(kept.faults).toEqual([`critical ${RUNNER}`]);
  });

  test('before it is removed, the report says when', async () => {
    const verdict = await askVariation('o12', (answer) => {
      if (answer.ask.startsWith('journalctl') || answer.ask.startsWith('tail')) return undefined;
      // Last touched at 09:20 of the day before, 24 hours after the last report.
      return answer.ask.startsWith('stat')
        ? {
            ...answer,
            ask: answer.ask.replace('-c %s', "-c '%s %Y'"),
            rc: 0,
            text: '21474836480 1795598400\n',
          }
        : answer;
    });
    expect(verdict.faults).toEqual([`critical ${RUNNER}`, SETTINGS]);
    expect(verdict.text).toContain('will be removed');
  });

  test('a file that cannot be examined is not called missing', async () => {
    const verdict = await askVariation(
      'o12',
      replacing(/ stat /, 'No such file or directory', 'Stale file handle'),
    );
    expect(verdict.faults).toEqual([SETTINGS]);
    expect(verdict.text).toContain('Stale file handle');
  });
});

/** https://bugs.launchpad.net/nova/+bug/1732428 */
describe('instances that need no base image, or have it', () => {
  test('are clear: an unshelved one, a raw disk and a volume', async () => {
    const verdict = await askCase('cloud/o13');
    expect([verdict.status, verdict.report.examined, verdict.faults]).toEqual(['clear', 3, []]);
  });

  test.each(['rbd', 'lvm'])(
    'are clear if they have no disk in the folder, because it is in %s',
    async (type) => {
      const file = await readCaseFile(new URL('cloud/o13.json', import.meta.url).pathname);
      const spoken = (file.spoken ?? []).filter(({ ask }) => /^(findmnt|GET)|9e15$/.test(ask));
      const conf = (text: string): SpokenAnswer => ({
        of: 'cmp-b01',
        ask: 'cat /etc/nova/nova.conf',
        rc: 0,
        text,
        json: undefined,
      });
      const stored = await askCase({
        ...file,
        spoken: [...spoken, conf(`[libvirt]\nimages_type = ${type}\n`)],
      });
      expect([stored.status, stored.faults]).toEqual(['clear', []]);
      const onDisk = await askCase({ ...file, spoken: [...spoken, conf('[libvirt]\nvirt_type = kvm\n')] });
      expect([onDisk.status, onDisk.faults]).toEqual(['unknown', []]);
    },
  );

  test('the same base image, if it is missing, is critical', async () => {
    const verdict = await askVariation('o13', (answer) => {
      if (answer.ask.startsWith('ls -l')) return undefined;
      if (!answer.ask.startsWith('stat')) return answer;
      const [path = ''] = /\/var\/\S+/.exec(answer.ask) ?? [];
      return { ...answer, rc: 1, text: `stat: cannot statx '${path}': No such file or directory\n` };
    });
    expect(verdict.faults).toEqual(['critical 71c0b0aa-5d1e-4bd1-8f0e-6a2b7c8d9e13']);
  });

  test('a disk that nobody described is unknown', async () => {
    const verdict = await askVariation('o13', (answer) =>
      answer.ask.includes('9e13/disk') || answer.ask.startsWith('stat') ? undefined : answer,
    );
    expect([verdict.status, verdict.faults]).toEqual(['unknown', []]);
  });
});

/** The help of `subdirectory_name`: https://opendev.org/openstack/nova/src/branch/master/nova/conf/imagecache.py */
describe('a cache folder for each host on NFS', () => {
  test('is clear, although one of them has been silent for 70 hours', async () => {
    const verdict = await askCase('cloud/o24');
    expect([verdict.status, verdict.faults]).toEqual(['clear', []]);
  });

  test.each(['_base_$host', '_base_%(my_ip)s'])('%s too', async (folder) => {
    const verdict = await askVariation('o24', replacing(/nova\.conf/, String.raw`_base_\$my_ip`, folder));
    expect([verdict.status, verdict.faults]).toEqual(['clear', []]);
  });

  test('a folder that all hosts share is not', async () => {
    const verdict = await askVariation(
      'o24',
      replacing(/nova\.conf/, String.raw`_base_\$my_ip`, '_base_10.20.0.13'),
    );
    expect(verdict.faults).toEqual(['critical 0dd1e2f3-2424-4a4a-8b8b-cc00dd00ee24', SETTINGS]);
  });
});
