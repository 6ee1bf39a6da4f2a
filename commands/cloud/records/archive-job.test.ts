import { expect, test } from 'vitest';
import { lastJob } from './archive-job.ts';

const exited = (status: number, code = 'exited') =>
  `nova-db-archive.service: Main process exited, code=${code}, status=${status}/FAILURE`;
const ROWS = ['| instance_extra               | 31 |', '| instances                    | 31 |'];
const job = (...texts: readonly string[]) => lastJob(texts.map((text) => ({ host: 'ctl-1', text })));

test('exit code 1 after a table of rows is a success that systemd calls a failure', () => {
  expect(job(exited(1), ...ROWS)).toEqual({
    host: 'ctl-1',
    unit: 'nova-db-archive.service',
    is: 'misreported',
    instances: 31,
  });
});

test.each([2, 3, 4, 255])('exit code %i is a failure', (status) => {
  expect(job(exited(status), ...ROWS)).toMatchObject({ is: 'failing' });
});

test('exit code 1 after an error is a failure, and without any output it is unknown', () => {
  expect(job(exited(1), 'sqlalchemy.exc.OperationalError: (2003, "Can\'t connect")')).toMatchObject({
    is: 'failing',
  });
  expect(job(exited(1))).toMatchObject({ is: 'unknown' });
});

test('a run that was killed is a failure', () => {
  expect(job(exited(9, 'killed'))).toMatchObject({ is: 'failing' });
});

test('only the last run counts', () => {
  expect(job('nova-db-archive.service: Deactivated successfully.', exited(255))).toBeUndefined();
  expect(job(exited(1), exited(255), ...ROWS)).toMatchObject({ is: 'unknown' });
  expect(job(exited(0))).toBeUndefined();
  expect(job()).toBeUndefined();
  expect(lastJob(undefined)).toBeUndefined();
});

test('of several hosts, the one that fails is shown', () => {
  const lines = [
    { host: 'ctl-1', text: exited(1) },
    ...ROWS.map((text) => ({ host: 'ctl-1', text })),
    { host: 'ctl-2', text: exited(3) },
  ];
  expect(lastJob(lines)).toMatchObject({ host: 'ctl-2', is: 'failing' });
});
