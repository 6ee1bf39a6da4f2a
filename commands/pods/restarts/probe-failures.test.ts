import { describe, expect, test } from 'vitest';
import { execFaultOf, failureInShort, failureInWords, howItFailed } from './probe-failures.ts';

describe('howItFailed', () => {
  test.each([
    ['exec', 'command "/entrypoint python /opt/check_scheduler.py" timed out'],
    ['exec', 'command timed out'],
    [
      'exec',
      'rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 1s exceeded: context deadline exceeded',
    ],
    ['exec', 'rpc error: code = Unknown desc = operation timeout: context deadline exceeded'],
    [
      'exec',
      'rpc error: code = Unknown desc = command error: command timed out, stdout: , stderr: , exit code -1',
    ],
    ['exec', 'rpc error: code = Unknown desc = failed to exec in container: timeout 10s exceeded'],
    [
      'http',
      'Get "http://10.42.3.17:8080/ready": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    ],
    [
      'http',
      'Get http://10.0.0.1:80/: net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    ],
    ['http', 'Get "https://10.42.3.17:8443/ready": net/http: TLS handshake timeout'],
    ['tcp', 'dial tcp 10.42.3.17:6379: i/o timeout'],
    ['grpc', 'timeout: failed to connect service "10.0.0.1:9090" within 1s: context deadline exceeded'],
    ['grpc', 'timeout: health rpc did not complete within 5s'],
  ] as const)('a probe of kind %s times out: %s', (action, message) => {
    expect(howItFailed(message, action)).toBe('times-out');
  });

  test.each([
    ['exec', ''],
    ['exec', 'Could not connect to Redis at 127.0.0.1:6379: Connection refused'],
    // The command has a timeout of its own, which is shorter than that of the probe.
    ['exec', 'Error: context deadline exceeded'],
    ['exec', 'pg_isready: connection to server timed out'],
    [
      'exec',
      'OCI runtime exec failed: exec failed: container_linux.go:348: read parent: connection reset by peer',
    ],
    ['http', 'Get "http://10.42.3.17:8080/ready": dial tcp 10.42.3.17:8080: connect: connection refused'],
    ['http', 'HTTP probe failed with statuscode: 503'],
    ['http', 'HTTP probe failed with statuscode: 504'],
    ['http', 'HTTP probe failed with statuscode: 500: the database timed out'],
    ['tcp', 'dial tcp 10.42.3.17:6379: connect: connection refused'],
    ['grpc', 'service unhealthy (responded with "NOT_SERVING")'],
    // More time does not help.
    [
      'grpc',
      'timeout: failed to connect service "10.0.0.1:9090" within 1s: connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:9090: connect: connection refused"',
    ],
    // The command is a program of that name.
    [
      'exec',
      'rpc error: code = Unknown desc = failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: "timeout": executable file not found in $PATH: unknown',
    ],
  ] as const)('a probe of kind %s fails at once: %j', (action, message) => {
    expect(howItFailed(message, action)).toBe('fails');
  });
});

describe('execFaultOf', () => {
  test.each([
    'rpc error: code = 2 desc = oci runtime error: exec failed: container_linux.go:247: starting container process caused "process_linux.go:110: decoding init error from pipe caused \\"read parent: connection reset by peer\\""',
    'OCI runtime exec failed: exec failed: cannot exec in a stopped state: unknown',
  ])('the runtime is broken: %s', (message) => {
    expect(execFaultOf(message)).toBe('runtime');
  });

  test('the image has no such command', () => {
    expect(
      execFaultOf(
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown',
      ),
    ).toBe('command');
  });

  test('the node has run out of processes', () => {
    expect(
      execFaultOf(
        'OCI runtime exec failed: exec failed: fork/exec /proc/self/exe: resource temporarily unavailable',
      ),
    ).toBe('shortage');
  });

  test.each([
    'Get "http://10.0.0.1:8080/": read tcp 10.0.0.2:4711->10.0.0.1:8080: read: connection reset by peer',
    'HTTP probe failed with statuscode: 500',
    'cat: /tmp/healthy: No such file or directory',
    'rpc error: code = DeadlineExceeded desc = failed to exec in container: timeout 1s exceeded: context deadline exceeded',
    '',
  ])('an ordinary failure is not that of the runtime: %j', (message) => {
    expect(execFaultOf(message)).toBeUndefined();
  });
});

describe('failureInWords', () => {
  test('shows no arguments of a command', () => {
    expect(failureInWords('command "/bin/sh -c curl -H \\"X-Token: s3cret\\" localhost" timed out')).toBe(
      'command timed out',
    );
  });

  test('shows no query and no user of a URL', () => {
    expect(
      failureInWords('Get "http://ada:pw@10.0.0.1:8080/ready?token=s3cret": context deadline exceeded'),
    ).toBe('Get "http://10.0.0.1:8080/ready": context deadline exceeded');
  });

  test('shows no arguments of a command line that was given as a program', () => {
    expect(
      failureInWords(
        'OCI runtime create failed: exec: "/app --password=s3cret": stat /app --password=s3cret: no such file or directory',
      ),
    ).toBe('OCI runtime create failed: exec: "/app …": stat /app …: no such file or directory');
  });

  test('is one line that is not too long', () => {
    const text = failureInWords(`first\n  second ${'x'.repeat(1_000)}`);
    expect(text).toMatch(/^first second x+…$/);
    expect(text.length).toBeLessThan(260);
  });
});

test.each([
  ['Get "http://10.0.0.1:8080/": dial tcp 10.0.0.1:8080: connect: connection refused', 'connection refused'],
  ['HTTP probe failed with statuscode: 503', 'HTTP status 503'],
  ['the cache is cold', undefined],
])('failureInShort(%j)', (message, expected) => {
  expect(failureInShort(message)).toBe(expected);
});
