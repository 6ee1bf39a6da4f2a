import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import type { Recording } from '../../src/app/recording/recording.ts';
import { reportSchema } from '../../src/check/finding.ts';
import { replay } from '../cases/replay.ts';
import { startFakeMonit } from '../world/monit/fake.ts';

const PASSWORD = 'canary-password-of-monit';
let folder: string;
let recordPath: string;
let run: (...words: readonly string[]) => Promise<{ code: number | undefined; out: string; error: string }>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  recordPath = join(folder, 'record.json');
  const monit = await startFakeMonit({
    processes: [{ name: 'rep', status: 512, monitor: 1, pendingAction: 0 }],
  });
  onTestFinished(monit.close);
  const source = {
    kind: 'monit',
    auth: { username: 'vcap', password: '${MONIT_PASSWORD}' },
    hosts: [{ url: monit.url, instance: 'cell/0' }],
  };
  const config = join(folder, 'wrench.yaml');
  await writeFile(config, stringify({ environments: { prod: { sources: [source] } } }));
  run = async (...words) => {
    const { exitCode, stdout, stderr } = await execa(process.execPath, ['src/main.ts', 'run', ...words], {
      reject: false,
      extendEnv: false,
      env: { WRENCH_CONFIG: config, WRENCH_DATA: folder, MONIT_PASSWORD: PASSWORD },
    });
    return { code: exitCode, out: stdout, error: stderr };
  };
});

test('a run is recorded in addition to its report, and can be run again', async () => {
  const { code, out, error } = await run('bosh', 'processes', '--record', recordPath, '--json');
  const report = reportSchema.parse(JSON.parse(out));
  expect([code, report.status]).toEqual([1, 'found']);
  expect(error).toContain(recordPath);
  expect(error).toContain('Read it before you attach it to an issue');
  expect((await stat(recordPath)).mode & 0o777).toBe(0o600);

  const text = await readFile(recordPath, 'utf8');
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toContain(Buffer.from(`vcap:${PASSWORD}`).toString('base64'));
  const recording = JSON.parse(text) as Recording;
  expect(Object.keys(recording)).toEqual(['check', 'environment', 'args', 'now', 'sources', 'answers']);
  const { status, verdict, findings } = await replay(recording);
  expect({ status, verdict, findings }).toEqual({
    status: report.status,
    verdict: report.verdict,
    findings: report.findings,
  });
});

test('the command in the report does not include the flag', async () => {
  const recorded = await run('bosh', 'processes', `--record=${recordPath}`);
  const plain = await run('bosh', 'processes');
  const withoutTime = (text: string) => text.replaceAll(/\d{4}-\d\d-\d\d|\d\d:\d\d UTC|[\d.]+ m?s$/gm, '');
  expect(withoutTime(recorded.out)).toBe(withoutTime(plain.out));
  expect(plain.error).toBe('');
});

test('nothing runs if the recording would overwrite a file, or has no name', async () => {
  await writeFile(recordPath, 'mine');
  const overwriting = await run('bosh', 'processes', '--record', recordPath);
  expect(overwriting).toMatchObject({ code: 64, out: '' });
  expect(overwriting.error).toContain('already exists');
  expect(await readFile(recordPath, 'utf8')).toBe('mine');
  expect(await run('bosh', 'processes', '--record')).toMatchObject({ code: 64, out: '' });
});
