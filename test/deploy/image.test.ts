import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { parseEnv } from 'node:util';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startWorkspace } from '../workspace/start-workspace.ts';
import { writeCertificateFiles } from '../world/certificate-files.ts';
import { startRedis } from '../world/redis.ts';
import { fillIn, readText, ROOT } from './tree.ts';

const dockerfile = readText('deploy/Dockerfile');
const [dependencies = '', image = ''] = dockerfile.split(/^FROM (?=.*$)/m).slice(1);
const ignoreLines = readText('deploy/Dockerfile.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const ignored = ignoreLines.slice(1).filter((line) => !line.startsWith('!'));
const fromContext = (stage: string) =>
  [...stage.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)].flatMap(([, from = '']) => from.split(' '));

const INCIDENT = 'C0123INCIDENT';
const PASSPHRASE = 'of-the-worker-alone';

let folder: string;
let app: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-image-'));
  app = join(folder, 'wrench');
  mkdirSync(app);
  for (const path of fromContext(image))
    cpSync(`${ROOT}${path}`, join(app, path), { recursive: true, filter: (from) => !isIgnored(from) });
  for (const path of productionPackages())
    if (existsSync(`${ROOT}${path}`))
      cpSync(`${ROOT}${path}`, join(app, path), { recursive: true, filter: (from) => !nested(path, from) });
});
afterAll(() => rm(folder, { recursive: true }));

/** What `npm ci --omit=dev` installs, from the lock file, without the registry. */
function productionPackages(): readonly string[] {
  const { packages } = JSON.parse(readText('package-lock.json')) as {
    packages: Record<string, { dev?: true }>;
  };
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path]) => path);
}

/** A nested package has its own entry in the lock file. */
function nested(path: string, from: string): boolean {
  return from.slice(ROOT.length + path.length).startsWith('/node_modules');
}

/** Whether the build ignores a file of the working copy. */
function isIgnored(path: string): boolean {
  return ignored.some((pattern) => matchesGlob(path.slice(ROOT.length), pattern));
}

/** Runs Wrench as the image does, on the Node of the tests, without dev dependencies. */
const wrench = (words: readonly string[], env: Record<string, string> = {}) =>
  execa(process.execPath, ['src/main.ts', ...words], { cwd: app, reject: false, extendEnv: false, env });

test('the image copies files that exist and starts a role that exists', () => {
  const copied = [...fromContext(dependencies), ...fromContext(image)];

  expect(copied.toSorted()).toEqual(['commands', 'package-lock.json', 'package.json', 'package.json', 'src']);
  expect(copied.filter((path) => !existsSync(`${ROOT}${path}`))).toEqual([]);
  expect(/^ENTRYPOINT (.*)$/m.exec(image)?.[1]).toBe('["node", "src/main.ts"]');
  expect(/^CMD (.*)$/m.exec(image)?.[1]).toBe('["all"]');
  expect(existsSync(`${ROOT}src/main.ts`)).toBe(true);
});

test('the build context has only what is copied: no .env, no configuration and no tests', () => {
  expect(ignoreLines[0]).toBe('*');
  expect(ignoreLines.filter((line) => line.startsWith('!')).toSorted()).toEqual(
    [...new Set([...fromContext(dependencies), ...fromContext(image)])].map((path) => `!${path}`).toSorted(),
  );
  expect(existsSync(join(app, 'src/doctor/run-doctor.ts'))).toBe(true);
  expect(existsSync(join(app, 'src/doctor/run-doctor.test.ts'))).toBe(false);
  expect(existsSync(join(app, 'node_modules/vitest'))).toBe(false);
});

test('the image runs as an unprivileged user, with production dependencies, on the Node of the tests', () => {
  const { engines } = JSON.parse(readText('package.json')) as { engines: { node: string } };
  const [major] = process.versions.node.split('.');

  expect(image).toMatch(/^USER 1000:1000$/m);
  expect(dependencies).toMatch(/^RUN npm ci --omit=dev /m);
  expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from)).toEqual([
    `node:${major}-slim`,
    `node:${major}-slim`,
  ]);
  expect(engines.node).toBe(`>=${major}`);
});

test('the health check requests /healthz on the port that the role serves', async () => {
  const written = /^HEALTHCHECK .*\\\n\s+CMD (\[.*\])$/m.exec(image)?.[1] ?? '[]';
  const [program = '', ...words] = JSON.parse(written) as string[];
  const { createServer } = await import('node:http');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(asked.length === 1 ? 200 : 503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const check = () =>
    execa(process.execPath, words, { reject: false, env: { HEALTH_PORT: port } }).then(
      (done) => done.exitCode,
    );

  expect(program).toBe('node');
  expect(await check()).toBe(0);
  expect(await check()).toBe(1);
  expect(asked).toEqual(['/healthz', '/healthz']);
  await new Promise((resolve) => server.close(resolve));
  expect(await check()).toBe(1);
});

test('the health port is reachable from outside the container', () => {
  const [, variables = ''] = /^ENV (.*)$/m.exec(image) ?? [];

  expect(parseEnv(variables.split(' ').join('\n'))['HEALTH_HOST']).toBe('0.0.0.0');
});

test('without dev dependencies it prints help', async () => {
  const { exitCode, stdout } = await wrench(['help']);
  const help = await wrench(['run', 'certs', 'expiring', 'help'], {
    WRENCH_CONFIG: `${ROOT}deploy/examples/wrench.yaml`,
    ...fillIn(readText('deploy/examples/wrench.yaml')),
  });

  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^ +worker +Run the worker/m),
  });
  expect(help).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('wrench run certs expiring [within]'),
  });
});

test('without dev dependencies it reads every kind of file and finds expired certificates', async () => {
  const { exitCode, stdout, stderr } = await wrench(['run', 'certs', 'expiring', '--json'], {
    WRENCH_CONFIG: await writeConfig(),
    PASSPHRASE,
  });

  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ status: 'found' });
});

test('without dev dependencies the two roles, each with its own secrets, respond to a command', async () => {
  const tokens = { botToken: 'xoxb-not-a-token', appToken: 'xapp-not-a-token' };
  const [redis, workspace] = await Promise.all([
    startRedis(),
    startWorkspace({ app: { delivery: 'socket', ...tokens, signingSecret: 'not-a-secret' } }),
  ]);
  const shared = { REDIS_URL: redis.url, WRENCH_CONFIG: await writeConfig(), HEALTH_PORT: '0' };
  const roles = [
    wrench(['worker'], { ...shared, PASSPHRASE }),
    wrench(['bot'], {
      ...shared,
      SLACK_BOT_TOKEN: tokens.botToken,
      SLACK_APP_TOKEN: tokens.appToken,
      SLACK_API_URL: workspace.apiUrl,
    }),
  ];
  onTestFinished(async () => {
    for (const role of roles) role.kill('SIGTERM');
    await Promise.all(roles);
    await workspace.close();
    await redis.close();
  });
  await workspace.waitFor(() => workspace.sockets.connections() > 0);

  await workspace.command({ userId: 'U0123ADA', channelId: INCIDENT, command: '/certs', text: 'expiring' });

  const answer = () => workspace.messages(INCIDENT)[0]?.text;
  await expect.poll(answer).toMatch(/certificates? ha(s|ve) expired/);
});

test('without the repository, `--env demo` says how to start the demo', async () => {
  const { exitCode, stderr } = await wrench(['run', 'certs', 'expiring', '--env', 'demo']);

  expect({ exitCode, stderr }).toEqual({
    exitCode: 78,
    stderr: expect.stringContaining('Run `npm run demo` in the Wrench repository first'),
  });
});

/** A folder of certificate files as the only source, with its passphrase in a variable that only the worker has. */
async function writeConfig(): Promise<string> {
  const disk = await mkdtemp(join(folder, 'disk-'));
  const { pattern, passphrase } = await writeCertificateFiles(disk);
  const sources = [{ kind: 'files', paths: [pattern], passphrases: [passphrase, '${PASSPHRASE}'] }];
  const path = join(disk, '../wrench.yaml');
  await writeFile(path, JSON.stringify({ environments: { prod: { sources } } }));
  return path;
}
