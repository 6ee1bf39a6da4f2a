import { expect, test } from 'vitest';
import { SourceError } from '../ports/source-error.ts';
import { hintForConnection } from './token-api.ts';

const host = 'gitlab.example.com';
const down = new SourceError('gitlab', 'unreachable', 'gitlab.example.com refused the connection');

test.each([
  ['nothing responds', [down], 'Check that gitlab.example.com is correct and reachable from here'],
  [
    'the certificate is not trusted',
    [new SourceError('gitlab', 'unreachable', 'the certificate of gitlab.example.com is not trusted')],
    'Set `ca` to a PEM file with the CA that signed the certificate',
  ],
  [
    'requests are limited',
    [down, new SourceError('gitlab', 'unreachable', 'limits the requests', { code: 'RATE_LIMITED' })],
    'Run this again when the limit has ended',
  ],
  ['the token may be wrong', [down, new SourceError('gitlab', 'refused', 'refused the token')], undefined],
])('if %s, the hint is about that', (_, failures, hint) => {
  expect(hintForConnection({ host }, failures)).toBe(hint);
});
