import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, percentile } from './figure.ts';
import type { RoleName, RunningRole } from './processes.ts';
import { type BenchStage, setBenchStage } from './stage.ts';

const STARTS = 5;
const IDLE_MS = 1_500;
const MB = 1024 * 1024;

/** The libraries that each role needs; a process that only loads these is the lower bound of its start. */
const LIBRARIES: Readonly<Record<RoleName, readonly string[]>> = {
  bot: ['@slack/bolt', 'bullmq', 'ioredis'],
  worker: ['bullmq', 'ioredis'],
  all: ['@slack/bolt', 'bullmq', 'ioredis'],
};

/** Modules that a role must not load: the bot none of the infrastructure's clients, the worker nothing of Slack. */
const FORBIDDEN_MODULES = {
  bot: /\/src\/(sources\/[^/]+\/(?!(config|site)\.ts$)|worker\/|wire\/)|\/node_modules\/node-forge\//,
  worker: /\/src\/slack\/|\/node_modules\/@slack\//,
} as const;

/** Whole processes, from `node src/main.ts` to ready, and their memory while idle. */
export async function benchColdStart(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const stage = await setBenchStage(cleanup, {
    sources: [
      { kind: 'tls', name: 'edge', sites: ['127.0.0.1:9'] },
      { kind: 'files', name: 'disk', paths: ['*.pem'] },
      {
        kind: 'vault',
        name: 'vault',
        url: 'http://127.0.0.1:9',
        paths: ['secret'],
        auth: { token: 'hvs.not-a-real-token' },
      },
    ],
  });
  const figures: Figure[] = [];
  for (const role of ['bot', 'worker', 'all'] as const) figures.push(...(await measure(stage, role)));
  figures.push(
    {
      name: 'modules of the infrastructure that the bot loads',
      ours: (await forbiddenModulesIn(stage, 'bot')).length,
      unit: 'modules',
      goal: '0',
    },
    {
      name: 'modules of Slack that the worker loads',
      ours: (await forbiddenModulesIn(stage, 'worker')).length,
      unit: 'modules',
      goal: '0',
    },
  );
  return figures;
}

async function measure(stage: BenchStage, role: RoleName): Promise<Figure[]> {
  const readyMs: number[] = [];
  const bareMs: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    bareMs.push(await loadAlone(LIBRARIES[role]));
    readyMs.push((await startAndStop(stage, role)).readyAfterMs);
  }
  const cachedMs: number[] = [];
  const cache = { NODE_COMPILE_CACHE: join(stage.folder, 'compiled') };
  await startAndStop(stage, role, cache);
  for (let start = 0; start < STARTS; start += 1)
    cachedMs.push((await startAndStop(stage, role, cache)).readyAfterMs);
  return [
    {
      name: `cold start of ${role} to ready (bare: node loads ${LIBRARIES[role].join(', ')})`,
      ours: percentile(readyMs, 0.5),
      bare: percentile(bareMs, 0.5),
      unit: 'ms',
    },
    {
      name: `cold start of ${role} to ready, with a warm NODE_COMPILE_CACHE`,
      ours: percentile(cachedMs, 0.5),
      unit: 'ms',
    },
    { name: `resident memory of ${role}, idle`, ours: (await idleBytes(stage, role)) / MB, unit: 'MB' },
  ];
}

async function startAndStop(
  stage: BenchStage,
  role: RoleName,
  env: Record<string, string> = {},
): Promise<RunningRole> {
  const running = await stage.start(role, { env });
  await running.stop();
  return running;
}

async function idleBytes(stage: BenchStage, role: RoleName): Promise<number> {
  const running = await stage.start(role);
  await sleep(IDLE_MS);
  const bytes = await running.metric('process_resident_memory_bytes');
  await running.stop();
  return bytes;
}

async function loadAlone(libraries: readonly string[]): Promise<number> {
  const script = libraries.map((name) => `import ${JSON.stringify(import.meta.resolve(name))};`).join('');
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`the libraries alone ended with ${code}`);
  return performance.now() - startedAt;
}

async function forbiddenModulesIn(stage: BenchStage, role: 'bot' | 'worker'): Promise<readonly string[]> {
  const record = join(stage.folder, `modules-of-${role}`);
  const hook = pathToFileURL(join(import.meta.dirname, 'record-modules.ts'));
  hook.searchParams.set('to', record);
  const running = await stage.start(role, { nodeArguments: ['--import', hook.href] });
  await running.stop();
  const loaded = (await readFile(record, 'utf8')).split('\n');
  const forbidden = loaded.filter((url) => FORBIDDEN_MODULES[role].test(url));
  for (const url of forbidden) console.error(`${role} loads ${url}`);
  return forbidden;
}
