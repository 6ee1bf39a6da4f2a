import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Inputs rebuilt from public reports, and variations of them, through the real sources: sshd and a cloud on loopback. */

const LIVE = 'c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501';

/** A case with changed answers; undefined leaves one out. */
async function askVariation(
  name: string,
  change: (answer: SpokenAnswer) => SpokenAnswer | undefined,
): Promise<CaseVerdict> {
  const path = new URL(`cloud/${name}.json`, import.meta.url).pathname;
  const file = await readCaseFile(path);
  return askCase({ ...file, spoken: (file.spoken ?? []).flatMap((one) => change(one) ?? []) });
}

function withText(from: string, to: string) {
  return (answer: SpokenAnswer): SpokenAnswer =>
    typeof answer.text === 'string' ? { ...answer, text: answer.text.replaceAll(from, to) } : answer;
}

/**
 * A log whose writer doesn't append, so that truncating it frees nothing for long:
 * https://github.com/stackhpc/ansible-role-libvirt-vm/issues/105 and https://blueprints.launchpad.net/nova/+spec/libvirt-virtlogd
 */
describe('a growing log that a process writes at its own position', () => {
  test('is critical, with its owner and the time until the disk is full, and is not truncated', async () => {
    const verdict = await askCase('cloud/o14');
    expect([verdict.status, verdict.faults]).toEqual([
      'found',
      [`critical cmp-c07:${LIVE}`, 'info cmp-c07:instance-00000e05'],
    ]);
    const text = verdict.about(`cmp-c07:${LIVE}`);
    for (const fact of ['broken-agent', 'p-iot', '16 hours', 'without O_APPEND', 'reboot --hard'])
      expect(text).toContain(fact);
    expect(verdict.text).not.toMatch(/truncate -s|\bcat\b|\btail\b/);
    expect(verdict.offers).toEqual([]);
  });

  test('stays critical without the cloud, whose owner is then unknown', async () => {
    const verdict = await askVariation('o14', (answer) => (answer.of === 'nova' ? undefined : answer));
    expect(verdict.faults).toEqual([`critical cmp-c07:${LIVE}`, 'warning cmp-c07:instance-00000e05']);
    expect(verdict.about(`cmp-c07:${LIVE}`)).toContain('unknown');
  });

  test('stays critical if the free space is unknown, and is a warning once it stands still', async () => {
    const unknown = await askVariation('o14', (answer) =>
      answer.ask.startsWith('df ') ? undefined : answer,
    );
    expect(unknown.faults[0]).toBe(`critical cmp-c07:${LIVE}`);
    const still = await askVariation('o14', (answer) =>
      answer.ask.startsWith('the same')
        ? withText('6162317312 12035776', '6120374272 11953856')(answer)
        : answer,
    );
    expect(still.faults).toEqual(['info cmp-c07:instance-00000e05', `warning cmp-c07:${LIVE}`]);
  });

  test('would be worth truncating if its writer appended', async () => {
    const verdict = await askVariation('o14', withText('0100001', '0102001'));
    expect(verdict.faults[0]).toBe(`critical cmp-c07:${LIVE}`);
    expect(verdict.about(`cmp-c07:${LIVE}`)).not.toContain('O_APPEND');
    expect(verdict.about(`cmp-c07:${LIVE}`)).toContain('`allow.truncate` is not configured');
  });
});

/** https://github.com/stackhpc/ansible-role-libvirt-vm/issues/105 */
describe('a sparse log that an earlier truncation left behind', () => {
  test('is clear: it costs 124 KiB', async () => {
    const verdict = await askCase('cloud/o15');
    expect([verdict.status, verdict.faults, verdict.offers]).toEqual(['clear', [], []]);
    expect(verdict.report.verdict).toContain('100 MB or more on disk');
  });

  test('is a warning if its blocks are really there', async () => {
    const verdict = await askVariation('o15', withText('5905580032 248 ', '5905580032 11534336 '));
    expect(verdict.faults).toEqual(['warning cmp-c09:d0a5cc11-7e21-49d4-a1a0-2a2b3c4d5e02']);
  });

  test('is unknown if the folder cannot be read', async () => {
    const verdict = await askVariation('o15', (answer) =>
      answer.of === 'cmp-c09'
        ? { ...answer, rc: 1, text: "find: '/var/lib/nova/instances': Permission denied" }
        : answer,
    );
    expect(verdict.status).toBe('unknown');
  });
});
