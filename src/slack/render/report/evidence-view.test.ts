import { expect, test } from 'vitest';
import type { Report } from '../../../check/finding.ts';
import { renderEvidenceView } from './evidence-view.ts';

test('words in backticks are code, in tables and in what could not be checked', () => {
  const report: Report = {
    check: 'certs/expiring',
    environment: 'prod',
    args: {},
    status: 'found',
    verdict: '1 of 41 certificates has expired',
    examined: 41,
    findings: [
      {
        reason: 'certificate-expired',
        severity: 'critical',
        target: 'issuer CN=ca',
        summary: '3 certificates expired together',
        evidence: [
          {
            kind: 'table',
            columns: ['Likely impact', 'Certificates'],
            rows: [
              ['`cf logs` and metrics of all apps and of the platform', '2'],
              ['new app instances do not start', '1'],
            ],
          },
        ],
      },
    ],
    gaps: [
      { kind: 'refused', what: 'vault:secret/cf', because: 'denied: the token lacks `read` on secret/cf' },
    ],
    coverage: [],
    at: '2026-11-20T14:03:00Z',
    durationMs: 1_240,
  };

  const shown = JSON.stringify(renderEvidenceView(report).blocks);

  expect(shown).not.toContain('`');
  expect(shown).toContain('{"type":"text","text":"cf logs","style":{"code":true}}');
  expect(shown).toContain('{"type":"text","text":"read","style":{"code":true}}');
});
