import { expect, test } from 'vitest';
import { fingerprint, worst } from './finding.ts';

test('two findings are the same if check, environment, reason and target are the same', () => {
  const report = { check: 'certs/expiring', environment: 'prod' };
  const finding = { reason: 'certificate-expired', target: 'vault:secret/cf/uaa' };
  const same = { ...finding, summary: 'reworded', severity: 'critical' };
  expect(fingerprint(report, same)).toBe(fingerprint(report, finding));
  expect(fingerprint({ ...report, environment: 'dev' }, finding)).not.toBe(fingerprint(report, finding));
  expect(fingerprint(report, { ...finding, reason: 'certificate-expiring' })).not.toBe(
    fingerprint(report, finding),
  );
});

test('the worst severity wins, and no finding has none', () => {
  expect(worst([{ severity: 'info' }, { severity: 'critical' }, { severity: 'warning' }])).toBe('critical');
  expect(worst([{ severity: 'info' }, { severity: 'warning' }])).toBe('warning');
  expect(worst([])).toBeUndefined();
});
