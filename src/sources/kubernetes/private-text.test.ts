import { expect, test } from 'vitest';
import { withoutPrivateText } from './private-text.ts';

test.each([
  [
    'Liveness probe failed: Get "http://10.0.0.7:8080/health?token=CANARY": context deadline exceeded',
    'Liveness probe failed: Get "http://10.0.0.7:8080/health": context deadline exceeded',
  ],
  [
    'Liveness probe failed: command "/bin/sh -c curl -u \\"a:CANARY\\" localhost" timed out',
    'Liveness probe failed: command "/bin/sh …" timed out',
  ],
  [
    'Liveness probe errored: OCI runtime exec failed: exec: "mysql -pCANARY": executable file not found in $PATH: unknown',
    'Liveness probe errored: OCI runtime exec failed: exec: "mysql …": executable file not found in $PATH: unknown',
  ],
  [
    'Liveness probe failed: connecting with password=CANARY',
    'Liveness probe failed: connecting with password=[redacted]',
  ],
  ['command "sh -c CANARY and the rest was cut', 'command "sh …'],
  ['command "sh -c CANARY\\', 'command "sh …'],
])('removes queries and arguments: %s', (message, shown) => {
  expect(withoutPrivateText(message)).toBe(shown);
});

test.each([
  'Liveness probe failed: command "pg_isready" timed out',
  'exec: "etcdctl": executable file not found in $PATH: unknown',
  'Liveness probe failed: HTTP probe failed with statuscode: 500',
  'Back-off restarting failed container app in pod api_shop(1b)',
  'what? http://10.0.0.7:8080/health failed',
  'MountVolume.SetUp failed for volume "v" : secret "db-password" not found',
  'Unable to attach or mount volumes: unmounted volumes=[kube-api-access-x]',
  'The node had condition: [DiskPressure].',
  '',
])('keeps everything else: %s', (message) => {
  expect(withoutPrivateText(message)).toBe(message);
});

test('a hostile message is processed quickly', () => {
  for (const part of ['command "', 'command "a', '\\', 'http://', 'http://x', '? '])
    expect(withoutPrivateText(`http://x?command "${part.repeat(3_000)}`).length).toBeLessThan(40_000);
});
