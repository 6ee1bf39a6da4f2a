import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ports } from '../../kit.ts';
import { readBuild } from './read-build.ts';

const answer = (body: string, known: Partial<ports.BuildAnswer> = {}): ports.BuildAnswer => ({
  url: 'http://10.0.0.1:8080/version',
  status: 200,
  contentType: 'application/json',
  body,
  ...known,
});

const read = (body: string, known: Partial<ports.BuildAnswer> = {}) =>
  readBuild(answer(body, known), { kind: 'auto' });

const json = (value: unknown) => read(JSON.stringify(value)).build;

describe('knows the form of', () => {
  test.each<[what: string, value: unknown, build: object]>([
    ['ASP.NET', { buildNumber: 209 }, { number: '209' }],
    ['a number as text', { buildNumber: '209' }, { number: '209' }],
    ['snake case', { build_number: '0077' }, { number: '77' }],
    ['kebab case', { 'build-number': 7 }, { number: '7' }],
    ['capitals', { BUILD_NUMBER: '7' }, { number: '7' }],
    ['an object in it', { Meta: { BuildNumber: 209 } }, { number: '209' }],
    ['a build', { build: 412 }, { number: '412' }],
    ['a build that is a version', { build: '1.4.2' }, { version: '1.4.2' }],
    ['a build that is a commit', { build: '8f1c0de' }, { commit: '8f1c0de' }],
    ['a version as text', { version: 'v1.0.3' }, { version: '1.0.3' }],
    [
      'flat keys with dots',
      { 'build.version': '1.0.3', 'git.commit.id': 'ABCDEF1' },
      { version: '1.0.3', commit: 'abcdef1' },
    ],
    ['git alone', { git: { commit: { id: '4c1be90' } } }, { commit: '4c1be90' }],
    [
      'git in full',
      { git: { commit: { id: { abbrev: '4c1be90', full: '4c1be90aa31d4c1be90aa31d4c1be90aa31d4c1b' } } } },
      { commit: '4c1be90aa31d4c1be90aa31d4c1be90aa31d4c1b' },
    ],
    [
      'the build version of git',
      { git: { build: { version: '2.0.1' }, commit: { id: '4c1be90' } } },
      { version: '2.0.1', commit: '4c1be90' },
    ],
    [
      'an address of a build with a page behind it',
      { version: '', build: 'https://ci.example/job/push/8812/console' },
      { number: '8812' },
    ],
  ])('%s', (_, value, build) => {
    expect(json(value)).toEqual(build);
  });

  // https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.info
  test('Spring Boot, without the versions of Java and of the system', () => {
    expect(
      json({
        git: { branch: 'main', commit: { id: '4c1be90', time: '2026-11-25T17:45:43Z' } },
        build: { artifact: 'api', version: '1.0.3', group: 'com.example', time: '2026-11-25T17:50:00Z' },
        os: { name: 'Linux', version: '6.11.0' },
        java: { version: '21.0.5', vendor: { name: 'BellSoft', version: '21' } },
      }),
    ).toEqual({ version: '1.0.3', commit: '4c1be90', builtAt: new Date('2026-11-25T17:50:00Z') });
  });

  // https://github.com/mozilla-services/Dockerflow/blob/main/docs/version_object.md
  test('Mozilla, whose build is an address and whose version may be empty', () => {
    expect(
      json({
        source: 'https://github.com/harbour/push',
        version: '',
        commit: '8f1c0de',
        build: 'https://ci.example/push/8812',
      }),
    ).toEqual({ commit: '8f1c0de', number: '8812' });
  });

  test('a health check with times', () => {
    expect(
      json({
        status: 'ok',
        version: '1.77.4',
        built_at: '2026-11-26T09:40:00Z',
        started_at: '2026-11-13T08:55:40+01:00',
      }),
    ).toEqual({
      version: '1.77.4',
      builtAt: new Date('2026-11-26T09:40:00Z'),
      startedAt: new Date('2026-11-13T07:55:40Z'),
    });
  });

  test.each([
    ['77\n', { number: '77' }],
    ['#77', { number: '77' }],
    ['v1.2.3-rc.1', { version: '1.2.3-rc.1' }],
    ['8f1c0de', { commit: '8f1c0de' }],
    ['build: 77', { number: '77' }],
    ['BUILD_NUMBER=77', { number: '77' }],
    ['"77"', { number: '77' }],
    ['\uFEFF77', { number: '77' }],
    ['{ \n\tbuildNumber: 209 \n}', { number: '209' }],
    ["{buildNumber: '209', version: '1.0'}", { number: '209', version: '1.0' }],
  ])('the text %j', (body, build) => {
    expect(read(body, { contentType: 'text/plain' }).build).toEqual(build);
  });
});

describe('is no build:', () => {
  test.each([
    ['an empty object', '{}'],
    ['an empty body', ' \n'],
    ['a list', '[{"buildNumber":209}]'],
    ['only versions of others', '{"java":{"version":"21.0.5"},"os":{"version":"6.11"}}'],
    ['versions of dependencies', '{"dependencies":{"version":"3.1","buildNumber":4}}'],
    ['health alone', '{"status":"UP","components":{"db":{"status":"UP","version":"15.4"}}}'],
    ['what was never set', '{"buildNumber":0}'],
    ['an expression that was not replaced', '{"version":"@project.version@"}'],
    ['a variable that was not replaced', '{"build":"${BUILD_NUMBER}"}'],
    ['a terminal sequence', String.raw`{"version":"1.0\u001b[31m"}`],
    ['only a start', '{"started_at":"2026-11-13T07:55:40Z"}'],
    ['versions that contradict each other', '{"version":"1.0.3","app":{"version":"1.0.4"}}'],
    ['prose', 'It works! This is build 209 of the service'],
    ['a word', 'ok'],
    ['a time', '2026-11-26T12:00:00Z'],
    ['an id of a request', '5b0a3f0c-8a35-4c7e-9a58-2c1f5d1f7b11'],
    ['a page', '<!DOCTYPE html><form>Version 5.2: log in</form>'],
    ['an object of JavaScript among other text', 'Meta is { buildNumber: 209 } here'],
    ['an address of a build without a number', '{"build":"https://ci.example/latest"}'],
  ])('%s', (_, body) => {
    expect(read(body).build).toBeUndefined();
  });

  test.each([
    [404, '{"timestamp":"2026-11-26T11:59:59.000+00:00","status":404,"error":"Not Found","build":"7"}'],
    [302, '{"buildNumber":209}'],
    [503, '{"version":"1.0.3"}'],
    [204, ''],
  ])('anything with status %i', (status, body) => {
    expect(read(body, { status }).build).toBeUndefined();
  });

  test('a login page that says it is JSON, and a page that is called one', () => {
    expect(read('<html>build 5</html>').because).toContain('HTML');
    expect(read('209', { contentType: 'text/html' }).because).toContain('HTML');
  });

  test('what is too large', () => {
    const { body: _, ...large } = answer('');
    expect(readBuild({ ...large, isTooLarge: true }, { kind: 'auto' }).because).toContain('too large');
  });
});

describe('a configured place', () => {
  const at = (body: string, pointer: string) => readBuild(answer(body), { kind: 'pointer', pointer });

  test.each([
    ['{"a":{"b/c":[{"~":209}]}}', '/a/b~1c/0/~0', { number: '209' }],
    ['{"rev":"8F1C0DE"}', '/rev', { commit: '8f1c0de' }],
    ['"1.2.3"', '', { version: '1.2.3' }],
  ])('%s at %s', (body, pointer, build) => {
    expect(at(body, pointer).build).toEqual(build);
  });

  test.each([
    ['{"a":1}', '/b'],
    ['{"a":{}}', '/a'],
    ['{"a":null}', '/a'],
    ['{"a":"0"}', '/a'],
    ['{"a":"see the wiki"}', '/a'],
    ['{}', '/constructor/name'],
    ['not json', '/a'],
  ])('has nothing usable: %s at %s', (body, pointer) => {
    expect(at(body, pointer).build).toBeUndefined();
  });

  test('may be a header, of which the body says nothing', () => {
    const location = { kind: 'header', header: 'X-Build' } as const;
    expect(readBuild(answer('{"buildNumber":1}', { header: '209' }), location).build).toEqual({
      number: '209',
    });
    expect(readBuild(answer('{"buildNumber":1}'), location).build).toBeUndefined();
    expect(readBuild(answer('209', { header: '209', status: 500 }), location).build).toBeUndefined();
  });

  test('may be the whole text', () => {
    expect(readBuild(answer(' 209 \n'), { kind: 'text' }).build).toEqual({ number: '209' });
    expect(readBuild(answer('{"buildNumber":209}'), { kind: 'text' }).build).toBeUndefined();
  });
});

test('says nothing of what else is in a response, which may be secret', () => {
  const secret = 'hunter2-0123456789';
  for (const body of [
    `{"password":"${secret}"}`,
    `password ${secret}`,
    `{"token":"${secret}","version":"x".}`,
  ])
    expect(JSON.stringify(read(body))).not.toContain(secret);
  expect(JSON.stringify(json({ version: '1.0.3', env: { TOKEN: secret }, token: secret }))).not.toContain(
    secret,
  );
});

test('nothing makes it throw', () => {
  const locations: fc.Arbitrary<ports.BuildLocation> = fc.oneof(
    fc.constant({ kind: 'auto' } as const),
    fc.constant({ kind: 'text' } as const),
    fc.string().map((pointer) => ({ kind: 'pointer', pointer: `/${pointer}` }) as const),
  );
  const bodies = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.json().map((text) => text.slice(1)),
  );
  fc.assert(
    fc.property(bodies, locations, (body, location) => {
      const { build, because } = readBuild(answer(body), location);
      expect(build === undefined).toBe(because !== undefined);
    }),
  );
});

test('a body of 60,000 nested or repeated characters is read in no time to speak of', () => {
  for (const body of [
    '['.repeat(60_000),
    '{'.repeat(60_000),
    `{a:${'1'.repeat(900)}}`,
    '9'.repeat(60_000),
    '$'.repeat(60_000),
  ])
    expect(read(body, { contentType: 'text/plain' }).build).toBeUndefined();
});

describe('numbers', () => {
  const numberIn = (body: string) =>
    readBuild({ url: 'http://a/', status: 200, body }, { kind: 'auto' }).build;

  test('that are too large to be exact keep their digits', () => {
    expect(numberIn('{"buildNumber": 20261126093015001}')).toEqual({ number: '20261126093015001' });
    expect(numberIn('20261126093015002')).toEqual({ number: '20261126093015002' });
    expect(
      readBuild(
        { url: 'http://a/', status: 200, body: '{"meta":{"n":90071992547409931}}' },
        { kind: 'pointer', pointer: '/meta/n' },
      ).build,
    ).toEqual({ number: '90071992547409931' });
  });

  test.each([
    '{"buildNumber":209.0}',
    '{"buildNumber":"209.0"}',
    '{"buildNumber":"v209"}',
    '{"build":"#209"}',
    '"209"',
    '209',
  ])('that are written differently are one: %s', (body) => {
    expect(numberIn(body)).toEqual({ number: '209' });
  });

  test('that are followed by a NUL byte, and what is not UTF-8, are no build', () => {
    expect(numberIn('209\u0000')).toBeUndefined();
    expect(readBuild({ url: 'http://a/', status: 200 }, { kind: 'auto' }).because).toBe(
      "its response isn't text in UTF-8",
    );
  });
});
